//! Checks that every crate the course pulls in is under a license that `deny.toml` allows.
//!
//! The offline part of `cargo deny check`, in seconds: `cargo install cargo-deny` takes three minutes, too long for a test. A
//! nightly workflow runs cargo-deny itself, with the advisories.

use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The licenses that `deny.toml` allows.
fn allowed() -> Vec<Licensee> {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml can be read");
    let config: toml::Table = text.parse().expect("deny.toml is TOML");
    let names = config["licenses"]["allow"].as_array();
    names
        .expect("licenses.allow in deny.toml is a list")
        .iter()
        .map(|name| {
            let name = name.as_str().expect("a license is a string");
            Licensee::parse(name).unwrap_or_else(|error| panic!("deny.toml: {error}"))
        })
        .collect()
}

/// Whether the allowed licenses alone satisfy an SPDX expression.
fn permitted(expression: &str, allowed: &[Licensee]) -> bool {
    // Old crates write `MIT/Apache-2.0`, which lax parsing reads as OR.
    Expression::parse_mode(expression, ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|wanted| allowed.iter().any(|have| have.satisfies(wanted)))
    })
}

#[test]
fn copyleft_is_refused() {
    let allowed = allowed();
    for yes in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        assert!(permitted(yes, &allowed), "{yes}");
    }
    for no in [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR GPL-3.0-only) AND AGPL-3.0-only",
        "",
        "(MIT",
    ] {
        assert!(!permitted(no, &allowed), "{no}");
    }
}

#[test]
fn every_dependency_has_an_allowed_license() {
    let allowed = allowed();
    for workspace in [root(), root().join("solutions")] {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(&workspace)
            .output()
            .expect("cargo runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let metadata: Value =
            serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        assert!(packages.len() > 20, "{} packages", packages.len());
        let refused: Vec<String> = packages
            .iter()
            .filter(|package| !package["source"].is_null()) // our own have no source
            .filter(|package| {
                let license = package["license"].as_str();
                !license.is_some_and(|license| permitted(license, &allowed))
            })
            .map(|package| {
                let [name, version, license] =
                    ["name", "version", "license"].map(|key| &package[key]);
                format!("{name} {version}: {license}")
            })
            .collect();
        assert!(
            refused.is_empty(),
            "deny.toml does not allow the license of:\n{}",
            refused.join("\n")
        );
    }
}
