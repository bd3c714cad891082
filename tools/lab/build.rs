//! Tells the experiments which compiler built them, and how: a record names both.

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("--version").output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let version = said
        .ok()
        .and_then(|said| Some(said.split(' ').nth(1)?.to_owned()));
    let level = env::var("OPT_LEVEL").unwrap_or_default();
    println!(
        "cargo::rustc-env=LAB_RUSTC={}",
        version.unwrap_or_else(|| "unknown".into())
    );
    println!("cargo::rustc-env=LAB_OPT_LEVEL={level}");
    println!("cargo::rerun-if-changed=build.rs");
}
