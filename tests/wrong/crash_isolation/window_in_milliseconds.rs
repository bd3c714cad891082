//! Wrong: compares ages in whole milliseconds
//! Changes: supervisor
//! Fails: supervisor::a_crash_counts_for_the_window_and_no_longer
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
            .retain(|crash| now.saturating_sub(*crash).as_millis() < window.as_millis());
        self.crashes.push(now);
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
