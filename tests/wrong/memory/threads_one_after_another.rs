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
                    // One step: no other thread can come between the read and the write. `Relaxed` is
                    // enough, since nothing but this counter is shared; the end of the scope joins all
                    // threads, and a join makes what they wrote visible.
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
            thread.join().unwrap();
        }
    });
    counter.into_inner()
}
