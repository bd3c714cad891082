//! Right: guards the counter with a spin lock that never yields
//! Changes: lost_updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let lock = AtomicU64::new(0);
    let total = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let (lock, total) = (&lock, &total);
            s.spawn(move || {
                for n in list {
                    while lock.swap(1, Ordering::SeqCst) == 1 {
                        std::hint::spin_loop();
                    }
                    total.store(total.load(Ordering::SeqCst) + n, Ordering::SeqCst);
                    lock.store(0, Ordering::SeqCst);
                }
            });
        }
    });
    total.into_inner()
}
