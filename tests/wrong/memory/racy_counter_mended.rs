//! Wrong: mends `RacyCounter` instead of leaving it racy, and sums with it
//! Changes: lost_updates
//! Fails: lost_updates::your_turns_lose_an_update
//! Section: memory/exercise.md#you-are-the-scheduler

impl RacyCounter {
    /// A counter that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: AtomicU64::new(0),
        }
    }
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.value.fetch_add(n, Ordering::SeqCst);
    }
    /// What the counter stands at.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::SeqCst)
    }
}

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = RacyCounter::new();
    thread::scope(|s| {
        for list in work {
            let counter = &counter;
            s.spawn(move || list.into_iter().for_each(|n| counter.add(n)));
        }
    });
    counter.get()
}
