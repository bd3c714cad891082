//! Wrong: expects every list to have a first number
//! Changes: lost_updates
//! Fails: lost_updates::every_list_has_a_thread_of_its_own
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let counter = &counter;
            s.spawn(move || {
                let mine = list.iter().copied().reduce(|a, b| a + b).unwrap();
                counter.fetch_add(mine, Ordering::SeqCst);
            });
        }
    });
    counter.into_inner()
}
