//! Wrong: ignores that a `compare_exchange` may fail
//! Changes: lost_updates
//! Fails: lost_updates::no_update_is_lost_under_any_schedule
//! Section: memory/exercise.md#two-additions-one-lost

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let counter = &counter;
            s.spawn(move || {
                for n in list {
                    let seen = counter.load(Ordering::SeqCst);
                    let _ = counter.compare_exchange(
                        seen,
                        seen + n,
                        Ordering::SeqCst,
                        Ordering::SeqCst,
                    );
                }
            });
        }
    });
    counter.into_inner()
}
