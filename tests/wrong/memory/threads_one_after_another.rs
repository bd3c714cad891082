//! Wrong: joins each thread before it starts the next one
//! Changes: lost_updates
//! Fails: lost_updates::all_threads_run_at_the_same_time
//! Section: memory/exercise.md#join-before-you-read

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            let thread = scope.spawn(move || {
                for n in numbers {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
            thread.join().unwrap();
        }
    });
    counter.into_inner()
}
