//! Wrong: acquires two locks in opposite orders: a deadlock
//! Changes: lost_updates
//! Fails: lost_updates::the_scheduler_sees_the_shared_counter
//! Section: memory/exercise.md#two-additions-one-lost

use os::model::Turn;
use os::sync::{AtomicU64, Mutex, Ordering};
use os::thread;

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let (a, b) = (Mutex::new(0), Mutex::new(()));
    thread::scope(|s| {
        for (i, list) in work.iter().enumerate() {
            let (a, b) = (&a, &b);
            s.spawn(move || {
                for n in list {
                    if i % 2 == 0 {
                        let mut total = a.lock().unwrap();
                        let _b = b.lock().unwrap();
                        *total += n;
                    } else {
                        let _b = b.lock().unwrap();
                        *a.lock().unwrap() += n;
                    }
                }
            });
        }
    });
    a.into_inner().unwrap()
}
