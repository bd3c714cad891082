//! Step 3: restart what crashes, but not forever.

use crate::outcome::Outcome;
use os::time::Clock;
use std::io;
use std::time::Duration;

/// When to restart a service, and when to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long to wait after the first crash.
    pub first_delay: Duration,
    /// The longest wait.
    pub max_delay: Duration,
    /// How many crashes of one service within `window` are tolerated.
    pub limit: usize,
    /// How long a crash counts.
    pub window: Duration,
}

/// What to do about a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Restart the service after this delay.
    RestartAfter(Duration),
    /// It has crashed too often.
    GiveUp,
}

/// The crashes of one service.
#[derive(Clone, Debug)]
pub struct Restarts {
    policy: Policy,
    /// When it crashed: add what you need.
    crashes: Vec<Duration>,
}

impl Restarts {
    /// Makes the history of a service that hasn't crashed yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            crashes: Vec::new(),
        }
    }

    /// Records a crash at `now`, and decides what to do about it. `now` never goes back.
    ///
    /// A crash counts for the time `window`: one that is exactly that old, or older, no longer counts. If more than
    /// `limit` crashes count, this one included, it's time to give up. Otherwise the delay is `first_delay` if this crash is
    /// the only one that counts, twice as much if two count, four times as much if three do, and so on, but never more than
    /// `max_delay`.
    ///
    /// ```text
    /// first_delay 1 s, max_delay 60 s, limit 3, window 10 s
    /// crash at 0 s: restart after 1 s      crash at 4 s: restart after 4 s
    /// crash at 2 s: restart after 2 s      crash at 5 s: give up
    /// ```
    pub fn after_crash(&mut self, now: Duration) -> Decision {
        let _ = (&self.policy, &self.crashes);
        todo!("forget what is too old at {now:?}, count this crash, decide")
    }
}

/// Something to keep running: each start runs it in a child of its own, from the beginning.
pub type Service<'a> = &'a dyn Fn() -> io::Result<()>;

/// How a supervisor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every service ended with exit code 0.
    AllDone,
    /// A service crashed too often.
    GaveUp {
        /// Its place in `services`.
        service: usize,
        /// How it ended the last time.
        last: Outcome,
    },
}

/// Runs each service in a child, all at the same time, and restarts those that crash.
///
/// A service that ends with exit code 0 is done. Any other end is a crash, and each service has its own [`Restarts`]: the
/// supervisor restarts it after the delay and meanwhile looks after the others. Once all services are done, the verdict is
/// [`Verdict::AllDone`], at once if there are none.
///
/// When it's time to give up on one service, the supervisor kills those that still run, restarts no service from then
/// on, and returns [`Verdict::GaveUp`]. When the function returns, even with an error, no child is left, running or as
/// a zombie. Even if the supervisor itself is killed, by SIGKILL, no service outlives it.
///
/// All time comes from `clock`, and all waiting is left to it: its time may pass faster than that of the machine.
///
/// # Errors
/// When a child can't be forked, or the clock fails.
pub fn supervise(
    services: &[Service<'_>],
    policy: Policy,
    clock: &mut dyn Clock,
) -> io::Result<Verdict> {
    let _ = (policy, clock);
    todo!(
        "start the {} services, wait for any of them, restart those that crash",
        services.len()
    )
}
