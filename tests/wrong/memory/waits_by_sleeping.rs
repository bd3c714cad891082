//! Wrong: sleeps for half a second instead of joining
//! Changes: lost_updates
//! Fails: lost_updates::the_total_is_read_after_the_threads_have_ended
//! Section: memory/exercise.md#join-before-you-read

use os::model::Turn;
use os::sync::{Arc, AtomicU64, Ordering};
use os::thread;

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = Arc::new(AtomicU64::new(0));
    for list in work {
        let counter = counter.clone();
        thread::spawn(move || {
            for n in list {
                counter.fetch_add(n, Ordering::SeqCst);
            }
        });
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    counter.load(Ordering::SeqCst)
}
