//! A crate that depends on `os` alone, as a learner's does, cannot reach what the judge uses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Compiles a library against `os`, as Cargo does for an exercise: `--extern os`, the rest only as its dependencies.
fn compiles(code: &str) -> Result<(), String> {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    compiles_against(LIBRARY.get_or_init(library), code)
}

fn deps() -> PathBuf {
    let exe = std::env::current_exe().expect("this test");
    exe.parent().expect("it lies in a folder").to_owned()
}

fn compiles_against(library: &Path, code: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("lib.rs");
    std::fs::write(&source, code).expect("it can be written");
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib"])
        .args(["--emit", "metadata", "-F", "unsafe_code"])
        .arg(&source)
        .arg("--extern")
        .arg(format!("os={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", deps().display()))
        .current_dir(folder.path())
        .output()
        .expect("rustc runs");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The library that was built last with the feature `model`: the folder may hold older ones, and those that the lab uses.
fn library() -> PathBuf {
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libos-") && name.ends_with(".rlib")
    };
    let mut libraries: Vec<PathBuf> = std::fs::read_dir(deps())
        .expect("the folder of this test")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_library)
        .collect();
    libraries.sort_by_key(|path| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    });
    let complete = |path: &&PathBuf| compiles_against(path, "pub use os::model::Turn;").is_ok();
    let found = libraries.iter().rev().find(complete);
    found.expect("os was built for this test").clone()
}

#[test]
fn what_learners_use_is_there() {
    compiles(
        "pub use os::memory::{Block, BlockLock, Mapping, Ordering, Pages, Usage, Word, page_size};
        pub use os::process::{Child, Ended, ParentOnly, fork, signal_name};
        pub use os::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Barrier, Condvar, Mutex, MutexGuard, RwLock};
        pub use os::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle, current, park, scope, sleep, spawn};
        pub static COUNTER: AtomicU64 = AtomicU64::new(0);
        #[derive(Debug, Default)]
        pub struct Shared { pub counter: AtomicU64, pub total: Mutex<u64> }
        pub fn turns() -> Vec<os::model::Turn> { use os::model::Turn; vec![Turn::A, Turn::B] }
        pub fn helper<'scope>(scope: Scope<'scope, '_>) { scope.spawn(move || { scope.spawn(|| ()); }); }
        pub fn copy(mapping: &Mapping, bytes: &mut [u8]) { mapping.copy_in(bytes); mapping.copy_out(bytes); }",
    )
    .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_the_judge_uses_is_not() {
    for path in [
        "os::harness",
        "os::hook",
        "os::hook::install",
        "os::model::explore",
        "os::model::replay",
        "os::model::running",
        "os::model::Step",
        "os::process::has_ended",
        "os::os_core",
        "os_core::hook",
        "os_core::model::running",
    ] {
        let error = compiles(&format!("pub use {path} as _;"))
            .err()
            .unwrap_or_else(|| panic!("a learner can name {path}"));
        assert!(
            error.contains("E0432") || error.contains("E0433"),
            "{path}: {error}"
        );
    }
    let error = compiles("extern crate os_core;").expect_err("a learner can name os_core");
    assert!(error.contains("E0463"), "{error}");
}

/// Nothing of a lock may be sent to another thread, and nothing of a scope may outlive it.
#[test]
fn borrows_are_checked() {
    for (code, error) in [
        (
            "pub fn f() { let n = 1; os::thread::spawn(|| n + 1); }",
            "E0373",
        ),
        (
            "pub fn f() -> i32 { os::thread::scope(|s| { let n = 1; s.spawn(|| n + 1); }); 0 }",
            "E0373",
        ),
        (
            "pub fn f() { let mut n = 1; os::thread::scope(|s| { s.spawn(|| n += 1); s.spawn(|| n += 1); }); }",
            "E0499",
        ),
        (
            "pub fn f(block: &os::memory::Block) { let g = block.lock().unwrap(); std::thread::scope(|s| { s.spawn(move || drop(g)); }); }",
            "E0277",
        ),
        (
            "pub fn f() -> &'static os::memory::Word { let m = os::memory::Mapping::shared(1).unwrap(); m.word(0) }",
            "E0515",
        ),
    ] {
        let message = compiles(code).expect_err(code);
        assert!(message.contains(error), "{code}: {message}");
    }
}

#[test]
fn a_result_that_cannot_be_sent_says_what_can() {
    for result in ["std::io::stdout()", "std::time::Instant::now()"] {
        let error = compiles(&format!(
            "pub fn start() {{ let _ = os::process::fork(|| Ok({result})); }}"
        ))
        .expect_err("it can't be sent");
        assert!(
            error.contains("return a number, a `bool`, a `String`, a `Vec` or a tuple of them"),
            "{error}"
        );
    }
}
