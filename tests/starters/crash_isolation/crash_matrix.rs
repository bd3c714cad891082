//! Step 2: crash in a thread, crash in a process, and see who survives.

use crate::outcome::Outcome;
use os::process::Crash;
use std::io;

/// What became of the two sides of a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How the process that had the crash ended.
    pub process: Outcome,
    /// Whether the bystander was still there after the crash.
    pub bystander_survived: bool,
}

/// Crashes in a thread, beside a bystander in the same process.
///
/// Forks a child. The child's main thread is the bystander: it starts a second thread, which crashes, and joins it. If
/// the bystander is still there afterwards, its process ends with code 0.
///
/// Exit code 0 alone doesn't say that the bystander survived: a thread may call `exit(0)`. No child is left when the function
/// returns.
///
/// # Errors
/// When the child can't be forked.
pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    todo!(
        "fork a child whose second thread calls `Crash::{crash:?}.now()`; say what became of both"
    )
}

/// Crashes in a process, beside a bystander in another one.
///
/// The bystander is a process that forks the one that crashes, and waits for it. The process
/// that calls this function survives in any case. No process is left when the function returns.
///
/// # Errors
/// When a process can't be forked.
pub fn crash_in_process(crash: Crash) -> io::Result<Fate> {
    todo!(
        "fork a process that calls `Crash::{crash:?}.now()`; say what became of it and of its parent"
    )
}
