//! Wrong: takes lists to be short, and adds at most 10,000 numbers of each
//! Changes: lost_updates
//! Fails: lost_updates::no_update_is_lost
//! Section: memory/exercise.md#two-additions-one-lost

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers.into_iter().take(10_000) {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
    });
    counter.into_inner()
}
