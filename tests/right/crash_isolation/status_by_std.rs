//! Right: lets the standard library take the status apart
//! Changes: outcome

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

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
        let status = ExitStatus::from_raw(status);
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, signal) => Self::Killed {
                signal: signal.unwrap_or(0),
                core_dumped: status.core_dumped(),
            },
        }
    }
}
