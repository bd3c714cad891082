//! Wrong: keeps a set of times, so crashes at the same time are one
//! Changes: supervisor
//! Fails: supervisor::more_crashes_than_the_limit_are_too_many
//! Section: crash_isolation/exercise.md#the-intensity-limit

impl Restarts {
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            crashes: Vec::new(),
        }
    }

    pub fn after_crash(&mut self, now: Duration) -> Decision {
        let Policy {
            first_delay,
            max_delay,
            limit,
            window,
        } = self.policy;
        self.crashes
            .retain(|crash| now.saturating_sub(*crash) < window);
        if !self.crashes.contains(&now) {
            self.crashes.push(now);
        }
        let count = self.crashes.len();
        if count > limit {
            return Decision::GiveUp;
        }
        let mut delay = first_delay.min(max_delay);
        for _ in 1..count {
            delay = delay.saturating_mul(2).min(max_delay);
        }
        Decision::RestartAfter(delay)
    }
}
