//! Wrong: counts the delay in whole milliseconds
//! Changes: supervisor
//! Fails: supervisor::the_delay_doubles_with_each_crash
//! Section: crash_isolation/exercise.md#back-off

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
        self.crashes.push(now);
        let count = self.crashes.len();
        if count > limit {
            return Decision::GiveUp;
        }
        let millis = u64::try_from(first_delay.as_millis()).unwrap_or(u64::MAX);
        let mut delay = Duration::from_millis(millis).min(max_delay);
        for _ in 1..count {
            delay = delay.saturating_mul(2).min(max_delay);
        }
        Decision::RestartAfter(delay)
    }
}
