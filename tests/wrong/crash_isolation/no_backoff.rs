//! Wrong: waits as long after the fifth crash as after the first
//! Changes: supervisor
//! Fails: supervisor::the_delay_doubles_with_each_crash
//! Section: crash_isolation/exercise.md#back-off

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
        let Policy {
            first_delay,
            max_delay,
            limit,
            window,
        } = self.policy;
        self.crashes
            .retain(|crash| now.saturating_sub(*crash) < window);
        self.crashes.push(now);
        let count = self.crashes.len();
        if count > limit {
            return Decision::GiveUp;
        }
        Decision::RestartAfter(first_delay.min(max_delay))
    }
}
