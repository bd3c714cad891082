//! Wrong: assumes that the total fits into a `u32`
//! Changes: lost_updates
//! Fails: lost_updates::the_sum_may_need_all_64_bits
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
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
    u64::from(counter.into_inner() as u32)
}
