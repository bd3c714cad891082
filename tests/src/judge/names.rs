//! Names in places that outlive a process: whatever has one is removed when the judge ends, even by SIGKILL.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Waits for the end of its standard input, which the judge holds, and removes what has the judge's names.
///
/// It leads a group of its own, so that neither Ctrl-C nor a kill of the judge's group ends it first.
const KEEPER: &str = r#"cat >/dev/null; rm -rf "/dev/shm/$1"* "$2/$1"*"#;

static KEPT: OnceLock<Mutex<Option<Child>>> = OnceLock::new();

fn prefix() -> String {
    format!("checks-{}-", std::process::id())
}

/// A name that nobody uses, for shared memory or for a file in the folder for temporary ones.
///
/// Call it in the judge. What has the name when the judge ends is removed, however the judge ends.
#[must_use]
pub fn unused_name() -> String {
    KEPT.get_or_init(|| Mutex::new(keeper()));
    format!("{}{:016x}", prefix(), fastrand::u64(..))
}

fn keeper() -> Option<Child> {
    Command::new("sh")
        .args(["-c", KEEPER, "sh", &prefix()])
        .arg(std::env::temp_dir())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        // A sandbox without a shell has its own shared memory, and it ends with its names.
        .ok()
}

/// Has the names removed now, for a judge that ends as it should.
pub(crate) fn end() {
    let Some(kept) = KEPT.get() else { return };
    if let Some(mut keeper) = kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
        drop(keeper.stdin.take());
        let _ = keeper.wait();
    }
}
