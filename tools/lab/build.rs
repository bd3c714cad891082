//! Lists the claims that `src/claims.rs` registers, and tells which compiler builds the experiments, and how.

use std::path::Path;
use std::{env, fs, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/claims.rs");
    let registry = fs::read_to_string("src/claims.rs").expect("src/claims.rs is the registry");
    let modules = registry.lines().filter_map(|line| {
        let module = line.strip_prefix("mod ")?.strip_suffix(';')?;
        (module != "tests").then(|| format!("    &{module}::CLAIM,\n"))
    });
    let list = format!(
        "/// Every claim, in the order of the book.\npub static CLAIMS: &[&Claim] = &[\n{}];\n",
        modules.collect::<String>()
    );
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("claims.rs"), list).expect("OUT_DIR is writable");

    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text
        .ok()
        .and_then(|text| Some(text.split(' ').nth(1)?.to_owned()));
    let level = env::var("OPT_LEVEL").unwrap_or_default();
    println!(
        "cargo::rustc-env=LAB_RUSTC={}",
        version.unwrap_or_else(|| "unknown".into())
    );
    println!("cargo::rustc-env=LAB_OPT_LEVEL={level}");
}
