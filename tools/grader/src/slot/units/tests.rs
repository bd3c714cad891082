//! What a submission may read while it is compiled.

use super::*;

fn check(dep_info: &str) -> Result<(), String> {
    check_inputs(
        dep_info,
        Path::new("/slot/solutions/memory"),
        Path::new("/slot/solutions"),
    )
}

#[test]
fn reading_ones_own_sources_is_fine() {
    let own = "/t/memory-1f.d: memory/src/lib.rs memory/src/a.rs\n\nmemory/src/lib.rs:\nmemory/src/../src/a.rs:\n\n# env-dep:CARGO_PKG_NAME=memory\n";
    assert_eq!(check(own), Ok(()));
}

#[test]
fn reading_anything_else_is_not() {
    for input in [
        "memory/src/../../memory2/src/lib.rs",
        "memory/Cargo.toml",
        "/etc/passwd",
        "../tests/memory.rs",
        "memory/src/../../../a\\ b",
    ] {
        let found = check(&format!("memory/src/lib.rs:\n{input}:\n")).expect_err("refused");
        assert!(found.contains(&unescape(input)), "{found}");
    }
    let found = check("memory/src/lib.rs:\n# env-dep:HOME=/root\n").expect_err("refused");
    assert_eq!(
        found,
        "it reads the environment variable HOME when it is compiled (remove the env!)"
    );
}
