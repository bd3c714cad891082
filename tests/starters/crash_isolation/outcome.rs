//! Step 1: what the kernel says about a process that has ended.

use std::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this code, from 0 to 255.
    Exited(i32),
    /// A signal killed it.
    Killed {
        /// The number of the signal.
        signal: i32,
        /// Whether the kernel wrote a core file.
        core_dumped: bool,
    },
}

impl Outcome {
    /// Decodes the status of a process that has ended, as the kernel's `wait` reports it.
    ///
    /// The lowest seven bits are the number of the signal that killed the process; they are 0 if it exited. The bit
    /// above them (128) says whether the kernel wrote a core file. The next eight bits are the exit code.
    ///
    /// ```text
    /// from_status(0x0300) == Exited(3)
    /// from_status(0x008b) == Killed { signal: 11, core_dumped: true }
    /// ```
    #[must_use]
    pub fn from_status(status: i32) -> Self {
        todo!("take the signal, the core-dump bit and the exit code out of {status:#06x}")
    }
}

/// Describes it in words: `exited with code 3`, `was killed by SIGSEGV`, `was killed by SIGSEGV and dumped core`.
///
/// The name of a signal is what [`os::process::signal_name`] returns.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!("write {self:?} in words, with `write!(f, …)`")
    }
}

/// What a worker writes about its crash just before it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashReport {
    /// The task that the worker was working on.
    pub task: u64,
    /// What went wrong.
    pub message: String,
}

impl CrashReport {
    /// Decodes the bytes that came from a worker; returns `None` unless they are exactly one report.
    ///
    /// Bytes 0 to 7 are the task and bytes 8 and 9 the length of the message in bytes, both little-endian. Then come the
    /// bytes of the message, in UTF-8, and nothing after them. A worker may be killed while it writes, so any part of a
    /// report may be missing; and a worker that crashes may write anything. No bytes make this function panic. Anything in
    /// the message that isn't UTF-8 is replaced by U+FFFD, as [`String::from_utf8_lossy`] does.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        todo!(
            "decode the {} bytes: 8 of task, 2 of length, the message",
            bytes.len()
        )
    }
}
