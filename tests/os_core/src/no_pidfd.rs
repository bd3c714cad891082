//! Handles on processes, where the system has none.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

/// A handle on a process: only Linux has them, so there is none here.
#[derive(Debug)]
pub struct PidFd(Infallible);

impl PidFd {
    /// Says that there are none here.
    ///
    /// # Errors
    /// Always `Unsupported`.
    pub fn open(pid: u32) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("a handle on process {pid} needs Linux's pidfd"),
        ))
    }

    /// Is never called.
    ///
    /// # Errors
    /// None.
    pub fn wait_timeout(&self, _: Duration) -> io::Result<bool> {
        match self.0 {}
    }

    /// Is never called.
    ///
    /// # Errors
    /// None.
    pub fn kill(&self) -> io::Result<()> {
        match self.0 {}
    }
}
