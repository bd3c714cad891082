//! Time, and waiting for processes with a deadline: as a trait, so that a test can bring a clock of its own.

use crate::child::Child;
use std::fmt::Debug;
use std::io;
use std::time::{Duration, Instant};

/// A clock that can also wait.
///
/// A supervisor that takes its time from here can be tested with a clock on which an hour passes at once.
pub trait Clock: Debug {
    /// The time since the clock was started. It never goes back.
    fn now(&self) -> Duration;

    /// Waits until at least one of the children has ended, or until `now()` is `until`. Returns the places of all that
    /// have ended, in ascending order; none if the time was over first. Nobody is reaped: the children can still be
    /// waited for.
    ///
    /// # Errors
    /// When there are no children and there is no `until`: there would be nothing to wait for. Otherwise the
    /// kernel's.
    fn wait_any(
        &mut self,
        children: &[&Child<()>],
        until: Option<Duration>,
    ) -> io::Result<Vec<usize>>;
}

/// The clock of the machine, which starts at zero when it is made.
///
/// ```
/// # extern crate os_core as os;
/// use os::time::{Clock, SystemClock};
/// # fn main() -> std::io::Result<()> {
/// let mut clock = SystemClock::new();
/// let child = os::process::fork(|| Ok(()))?;
/// assert_eq!(clock.wait_any(&[&child], None)?, [0]);
/// child.wait()
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts a clock.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait_any(
        &mut self,
        children: &[&Child<()>],
        until: Option<Duration>,
    ) -> io::Result<Vec<usize>> {
        if children.is_empty() && until.is_none() {
            return Err(nothing_to_wait_for());
        }
        let left = || until.map(|until| until.saturating_sub(self.now()));
        wait(children, &left)
    }
}

/// The error of a wait that would never end.
#[must_use]
pub(crate) fn nothing_to_wait_for() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "wait_any: there is nothing to wait for: no child and no time",
    )
}

#[cfg(target_os = "linux")]
fn wait(children: &[&Child<()>], left: &dyn Fn() -> Option<Duration>) -> io::Result<Vec<usize>> {
    use crate::pidfd::PidFd;
    let handles = children
        .iter()
        .map(|child| PidFd::open(child.pid()))
        .collect::<io::Result<Vec<_>>>()?;
    crate::poll::readable(&handles, left)
}

/// Without handles on processes: looks every millisecond.
#[cfg(not(target_os = "linux"))]
fn wait(children: &[&Child<()>], left: &dyn Fn() -> Option<Duration>) -> io::Result<Vec<usize>> {
    loop {
        let mut ended = Vec::new();
        for (place, child) in children.iter().enumerate() {
            if crate::wait::has_ended(child.pid())? {
                ended.push(place);
            }
        }
        if !ended.is_empty() || left() == Some(Duration::ZERO) {
            return Ok(ended);
        }
        std::thread::sleep(Duration::from_millis(1).min(left().unwrap_or(Duration::MAX)));
    }
}
