//! Wrong: avoids sharing: each thread has a counter of its own
//! Changes: lost_updates
//! Fails: lost_updates::all_threads_add_to_one_counter
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counters: Vec<_> = work.iter().map(|_| AtomicU64::new(0)).collect();
    thread::scope(|s| {
        for (list, counter) in work.iter().zip(&counters) {
            s.spawn(move || {
                for n in list {
                    counter.fetch_add(*n, Ordering::SeqCst);
                }
            });
        }
    });
    counters.into_iter().map(AtomicU64::into_inner).sum()
}
