//! Right: guards the counter with a ticket lock
//! Changes: lost_updates

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let (next, serving, total) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|s| {
        for list in &work {
            let (next, serving, total) = (&next, &serving, &total);
            s.spawn(move || {
                for n in list {
                    let mine = next.fetch_add(1, Ordering::SeqCst);
                    while serving.load(Ordering::SeqCst) != mine {
                        thread::yield_now();
                    }
                    let seen = total.load(Ordering::SeqCst);
                    total.store(seen + n, Ordering::SeqCst);
                    serving.store(mine + 1, Ordering::SeqCst);
                }
            });
        }
    });
    total.load(Ordering::SeqCst)
}
