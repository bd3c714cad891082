//! Wrong: treats no list as one empty list, and starts a thread for it
//! Changes: lost_updates
//! Fails: lost_updates::no_list_no_thread
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let work = if work.is_empty() { vec![vec![]] } else { work };
    let counter = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let counter = &counter;
            s.spawn(move || {
                for n in list {
                    counter.fetch_add(*n, Ordering::SeqCst);
                }
            });
        }
    });
    counter.into_inner()
}
