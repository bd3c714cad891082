//! Step 5: around the lock: processes, and lists with locks of their own.

use crate::lock::Lock;
use crate::machine::{Program, Settings};
use os::sync::{AtomicI64, AtomicUsize, Ordering};
use std::io;

/// Runs each program in a process of its own, and returns the variables of each, in the order of the programs.
///
/// Every process has a lock and variables of its own, so all run at the same time and no update is lost. When the
/// function returns, even with an error, no child is left, running or as a zombie.
///
/// # Errors
/// When a process can't be forked or a child doesn't return.
pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    todo!(
        "fork a child for each of the {} programs, which calls `machine::run` with {settings:?}; wait for all",
        programs.len()
    )
}

/// A list that any number of threads append to, with no GIL around them.
#[derive(Debug)]
pub struct List {
    items: Vec<AtomicI64>,
    length: AtomicUsize,
    /// The list's own lock.
    lock: Lock,
}

impl List {
    /// Makes an empty list with room for this many items.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            items: (0..capacity).map(|_| AtomicI64::new(0)).collect(),
            length: AtomicUsize::new(0),
            lock: Lock::new(),
        }
    }

    /// Appends an item and returns `true`, or returns `false` if there is no room.
    ///
    /// Any number of threads may append at the same time, with no GIL: every item is kept, once, and a thread's items
    /// stay in the order in which it appended them.
    pub fn append(&self, item: i64) -> bool {
        let _ = &self.lock;
        // Correct under a GIL: no safe point lies between these three steps. But there is no GIL here.
        let length = self.length.load(Ordering::Relaxed);
        let Some(place) = self.items.get(length) else {
            return false;
        };
        place.store(item, Ordering::Relaxed);
        self.length.store(length + 1, Ordering::Relaxed);
        todo!("take the list's own lock for these steps, and return whether there was room")
    }

    /// Returns the items in their order; also while other threads append.
    #[must_use]
    pub fn items(&self) -> Vec<i64> {
        let length = self.length.load(Ordering::Relaxed);
        let item = |item: &AtomicI64| item.load(Ordering::Relaxed);
        self.items[..length].iter().map(item).collect()
    }
}
