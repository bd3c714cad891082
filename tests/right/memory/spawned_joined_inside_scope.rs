//! Right: starts threads with `thread::spawn` and joins them inside a scope
//! Changes: lost_updates

use os::model::Turn;
use os::sync::{Arc, AtomicU64, Ordering};
use os::thread;

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = Arc::new(AtomicU64::new(0));
    thread::scope(|s| {
        let mut handles = Vec::new();
        for (i, list) in work.into_iter().enumerate() {
            let counter = Arc::clone(&counter);
            let run = move || {
                for n in list {
                    counter.fetch_add(n, Ordering::SeqCst);
                }
            };
            if i % 2 == 0 {
                handles.push(thread::spawn(run));
            } else {
                s.spawn(run);
            }
        }
        for handle in handles {
            handle.join().unwrap();
        }
    });
    counter.load(Ordering::SeqCst)
}
