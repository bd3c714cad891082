//! Wrong: has one thread add up all lists; the sum is right
//! Changes: lost_updates
//! Fails: lost_updates::every_list_has_a_thread_of_its_own
//! Section: memory/exercise.md#step-1-lost-updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|scope| {
        for numbers in [work] {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers.into_iter().flatten() {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
    });
    counter.into_inner()
}
