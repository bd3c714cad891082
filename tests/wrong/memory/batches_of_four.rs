//! Wrong: runs four threads at a time, because there are only so many cores
//! Changes: lost_updates
//! Fails: lost_updates::all_threads_run_at_the_same_time
//! Section: memory/exercise.md#join-before-you-read

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    for batch in work.chunks(4) {
        thread::scope(|s| {
            for list in batch {
                let counter = &counter;
                s.spawn(move || {
                    for n in list {
                        counter.fetch_add(*n, Ordering::SeqCst);
                    }
                });
            }
        });
    }
    counter.into_inner()
}
