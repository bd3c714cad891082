//! Right: holds all threads at a gate until the last one has started
//! Changes: lost_updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let parties = work.len() as u64;
    let started = AtomicU64::new(0);
    let counter = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let (started, counter) = (&started, &counter);
            s.spawn(move || {
                started.fetch_add(1, Ordering::SeqCst);
                while started.load(Ordering::SeqCst) < parties {
                    thread::yield_now();
                }
                for n in list {
                    counter.fetch_add(*n, Ordering::SeqCst);
                }
            });
        }
    });
    counter.into_inner()
}
