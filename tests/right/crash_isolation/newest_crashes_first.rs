//! Right: keeps the crashes in a queue, and doubles by shifting
//! Changes: supervisor

use crate::outcome::Outcome;
use os::process::{self, Child};
use os::time::Clock;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

pub struct Restarts {
    policy: Policy,
    /// When the crashes happened that still count.
    crashes: VecDeque<Duration>,
}

impl Restarts {
    /// Makes the history of a service that hasn't crashed yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            crashes: VecDeque::new(),
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
        let Policy {
            first_delay,
            max_delay,
            limit,
            window,
        } = self.policy;
        while self
            .crashes
            .back()
            .is_some_and(|crash| now - *crash >= window)
        {
            self.crashes.pop_back();
        }
        self.crashes.push_front(now);
        let count = self.crashes.len();
        if count > limit {
            return Decision::GiveUp;
        }
        let delay = u32::try_from(count - 1)
            .ok()
            .and_then(|doublings| 1u128.checked_shl(doublings))
            .and_then(|factor| first_delay.as_nanos().checked_mul(factor));
        match delay {
            Some(nanos) if nanos < max_delay.as_nanos() => {
                let nanos_of_second = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
                let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
                Decision::RestartAfter(Duration::new(seconds, nanos_of_second))
            }
            _ => Decision::RestartAfter(max_delay),
        }
    }
}
