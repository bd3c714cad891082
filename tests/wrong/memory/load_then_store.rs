//! Wrong: adds with a load and a store: two atomic steps aren't one
//! Changes: lost_updates
//! Fails: lost_updates::no_update_is_lost_under_any_schedule
//! Section: memory/exercise.md#two-additions-one-lost

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers {
                    counter.store(counter.load(Ordering::SeqCst) + n, Ordering::SeqCst);
                }
            });
        }
    });
    counter.into_inner()
}
