//! Step 1: a lock with a guard.

use os::sync::{Condvar, Mutex};

/// A lock that holds no data: at most one thread at a time has its [`Guard`].
///
/// The fields are a suggestion: replace them if you like.
#[derive(Debug, Default)]
pub struct Lock {
    /// Whether somebody has the guard.
    locked: Mutex<bool>,
    /// Notified when the guard is dropped.
    unlocked: Condvar,
}

impl Lock {
    /// Makes a lock that nobody holds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until nobody holds the lock, takes it, and returns its guard.
    ///
    /// At any moment, at most one guard of a lock exists. A waiting thread sleeps until the lock is released:
    /// it doesn't look again and again. A thread that panicked while it held the lock is no obstacle.
    pub fn acquire(&self) -> Guard<'_> {
        let _ = (&self.locked, &self.unlocked);
        todo!("wait while the lock is taken, take it, and return the guard")
    }
}

/// Exclusive use of a [`Lock`]. Dropping it releases the lock.
#[must_use = "the lock is released at once when the guard is not kept"]
#[derive(Debug)]
pub struct Guard<'a> {
    lock: &'a Lock,
}

impl Drop for Guard<'_> {
    /// Releases the lock, even in a panic, and wakes a thread that waits for it.
    fn drop(&mut self) {
        let _ = self.lock;
        todo!("release the lock, then wake a thread that waits for it")
    }
}
