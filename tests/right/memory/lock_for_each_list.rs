//! Right: holds the lock for a whole list; another order of turns
//! Changes: lost_updates

use os::model::Turn;
use os::sync::{Arc, AtomicU64, Mutex, Ordering};
use os::thread;

pub fn losing_turns() -> Vec<Turn> {
    [Turn::B, Turn::A].repeat(2)
}

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let total = Arc::new(Mutex::new(0u64));
    let handles: Vec<_> = work
        .into_iter()
        .map(|list| {
            let total = Arc::clone(&total);
            thread::spawn(move || {
                let mut guard = total.lock().unwrap();
                for n in list {
                    *guard += n;
                }
            })
        })
        .collect();
    for handle in handles {
        handle.join().unwrap();
    }
    let sum = *total.lock().unwrap();
    sum
}
