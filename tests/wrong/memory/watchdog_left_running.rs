//! Wrong: starts a watchdog thread that outlives the call
//! Changes: lost_updates
//! Fails: lost_updates::nothing_is_left_behind
//! Section: memory/exercise.md#join-before-you-read

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(60)));
    let counter = AtomicU64::new(0);
    thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers {
                    counter.fetch_add(n, Ordering::Relaxed);
                }
            });
        }
    });
    counter.into_inner()
}
