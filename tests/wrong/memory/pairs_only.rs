//! Wrong: adds two numbers at a time and forgets the odd one out
//! Changes: lost_updates
//! Fails: lost_updates::the_scheduler_sees_the_shared_counter
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let counter = &counter;
            s.spawn(move || {
                for pair in list.chunks_exact(2) {
                    counter.fetch_add(pair[0] + pair[1], Ordering::SeqCst);
                }
            });
        }
    });
    counter.into_inner()
}
