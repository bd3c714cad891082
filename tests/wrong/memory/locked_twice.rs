//! Wrong: locks once to read and again to write; another thread gets in between
//! Changes: lost_updates
//! Fails: lost_updates::no_update_is_lost_under_any_schedule
//! Section: memory/exercise.md#two-additions-one-lost

use os::model::Turn;
use os::sync::{AtomicU64, Mutex, Ordering};
use os::thread;

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = Mutex::new(0);
    thread::scope(|scope| {
        for numbers in work {
            let counter = &counter;
            scope.spawn(move || {
                for n in numbers {
                    let seen = *counter.lock().unwrap();
                    *counter.lock().unwrap() = seen + n;
                }
            });
        }
    });
    counter.into_inner().unwrap()
}
