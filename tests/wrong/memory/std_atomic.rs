//! Wrong: uses the standard library's atomic, which the tests can't schedule
//! Changes: lost_updates
//! Fails: lost_updates::the_scheduler_sees_the_shared_counter
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = std::sync::atomic::AtomicU64::new(0);
    thread::scope(|s| {
        for list in work {
            let counter = &counter;
            s.spawn(move || {
                for n in list {
                    counter.fetch_add(n, Ordering::SeqCst);
                }
            });
        }
    });
    counter.into_inner()
}
