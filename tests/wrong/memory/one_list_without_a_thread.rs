//! Wrong: takes a shortcut: a single list is added up without a thread
//! Changes: lost_updates
//! Fails: lost_updates::every_list_has_a_thread_of_its_own
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    if let [only] = work.as_slice() {
        return only.iter().sum();
    }
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
