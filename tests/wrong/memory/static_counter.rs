//! Wrong: keeps the counter in a `static`, so a second call starts from the first one's total
//! Changes: lost_updates
//! Fails: lost_updates::the_total_is_read_after_the_threads_have_ended
//! Section: memory/exercise.md#step-1-lost-updates

use os::model::Turn;
use os::sync::{AtomicU64, Ordering};
use os::thread;
use std::sync::OnceLock;

static COUNTER: OnceLock<AtomicU64> = OnceLock::new();

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = COUNTER.get_or_init(|| AtomicU64::new(0));
    thread::scope(|s| {
        for list in &work {
            s.spawn(move || {
                for n in list {
                    counter.fetch_add(*n, Ordering::SeqCst);
                }
            });
        }
    });
    counter.load(Ordering::SeqCst)
}
