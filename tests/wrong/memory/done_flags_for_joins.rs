//! Wrong: waits until every thread has counted itself as done, and joins none
//! Changes: lost_updates
//! Fails: lost_updates::every_thread_has_ended_at_the_return
//! Section: memory/exercise.md#join-before-you-read

use os::model::Turn;
use os::sync::{Arc, AtomicU64, Ordering};
use os::thread;

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let shared = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let threads = work.len() as u64;
    for list in work {
        let shared = shared.clone();
        thread::spawn(move || {
            for n in list {
                shared.0.fetch_add(n, Ordering::SeqCst);
            }
            shared.1.fetch_add(1, Ordering::SeqCst);
        });
    }
    while shared.1.load(Ordering::SeqCst) < threads {
        thread::yield_now();
    }
    shared.0.load(Ordering::SeqCst)
}
