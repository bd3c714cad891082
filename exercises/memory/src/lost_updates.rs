//! Step 1: threads share a counter, and lose updates.

use os::model::Turn;
use os::sync::{AtomicU64, Ordering};

/// A counter that loses updates. It is wrong on purpose: leave it as it is.
#[derive(Debug)]
pub struct RacyCounter {
    value: AtomicU64,
}

impl RacyCounter {
    /// Makes a counter at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: AtomicU64::new(0),
        }
    }

    /// Adds `n`, in two steps: reads the value, then writes a new one.
    pub fn add(&self, n: u64) {
        let seen = self.value.load(Ordering::SeqCst);
        self.value.store(seen + n, Ordering::SeqCst);
    }

    /// Returns the value.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.value.load(Ordering::SeqCst)
    }
}

impl Default for RacyCounter {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns an order of turns in which an update is lost: you are the scheduler.
///
/// Two threads, A and B, share a [`RacyCounter`] at zero. Each calls `add(1)` once. A turn lets one thread
/// take one step: its first turn reads, its second writes. Return all four turns, two for each thread, in an
/// order that leaves the counter at 1 instead of 2.
#[must_use]
pub fn losing_turns() -> Vec<Turn> {
    todo!(
        "return the four turns, two of Turn::A and two of Turn::B, in an order that loses an update"
    )
}

/// Adds up all numbers in `work` with threads: one thread for each inner list, even for an empty one.
///
/// All threads run at the same time, and each adds the numbers of its list to one counter that they share.
/// No update is lost, whatever the scheduler does. Every thread has been joined when the function returns.
/// Use [`os::thread`] and [`os::sync`]: the tests schedule these. The sum fits into a `u64`.
///
/// ```text
/// sum_in_threads(vec![vec![1, 2], vec![30]]) == 33   // two threads
/// sum_in_threads(vec![]) == 0                        // no thread
/// ```
#[must_use]
pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    todo!(
        "start a thread for each of the {} lists, add to one counter, wait for all, return the total",
        work.len()
    )
}
