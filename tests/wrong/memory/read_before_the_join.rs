//! Wrong: reads the total inside the scope, while the threads may still add
//! Changes: lost_updates
//! Fails: lost_updates::the_total_is_read_after_the_threads_have_ended
//! Section: memory/exercise.md#join-before-you-read

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    let mut total = 0;
    thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
        total = counter.load(Ordering::SeqCst);
    });
    total
}
