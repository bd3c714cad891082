//! Every crate that the course pulls in is under a permissive licence.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

const PERMISSIVE: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC-BY-4.0", // the icons in mdBook's pages
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with permissive licences alone.
fn permitted(expression: &str) -> bool {
    // `/` is what old crates write for OR. Brackets hold whole alternatives in all crates that we use.
    let expression = expression.replace('/', " OR ");
    if let Some((before, rest)) = expression.split_once('(') {
        let Some((inside, after)) = rest.split_once(')') else {
            return false;
        };
        let inside = if permitted(inside) { "MIT" } else { "none" };
        return permitted(&format!("{before}{inside}{after}"));
    }
    expression.split(" OR ").any(|all| {
        all.split(" AND ")
            .all(|one| PERMISSIVE.contains(&one.trim()))
    })
}

#[test]
fn expressions_are_understood() {
    for yes in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR MIT",
    ] {
        assert!(permitted(yes), "{yes}");
    }
    for no in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR GPL-3.0) AND AGPL-3.0",
        "",
        "(MIT",
    ] {
        assert!(!permitted(no), "{no}");
    }
}

#[test]
fn every_dependency_is_permissive() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for workspace in [root.clone(), root.join("solutions")] {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(&workspace)
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value =
            serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        assert!(packages.len() > 20, "{} packages", packages.len());
        let refused: Vec<String> = packages
            .iter()
            .filter(|package| !package["source"].is_null()) // our own have no source
            .filter(|package| !package["license"].as_str().is_some_and(permitted))
            .map(|package| {
                format!(
                    "{} {}: {}",
                    package["name"], package["version"], package["license"]
                )
            })
            .collect();
        assert!(
            refused.is_empty(),
            "not permissive:\n{}",
            refused.join("\n")
        );
    }
}
