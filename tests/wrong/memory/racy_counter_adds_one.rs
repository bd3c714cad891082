//! Wrong: lets `RacyCounter` add 1, whatever it was asked to add
//! Changes: lost_updates
//! Fails: lost_updates::the_racy_counter_is_left_as_it_was
//! Section: memory/exercise.md#you-are-the-scheduler

impl RacyCounter {
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: AtomicU64::new(0),
        }
    }

    pub fn add(&self, n: u64) {
        let seen = self.value.load(Ordering::SeqCst);
        let _ = n;
        self.value.store(seen + 1, Ordering::SeqCst);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::SeqCst)
    }
}
