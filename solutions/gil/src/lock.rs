//! Step 1: a lock with a guard.

use os::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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
        let mut locked = self.state();
        // A loop: another thread may have been faster, and a wait may end with no notification at all.
        while *locked {
            locked = self
                .unlocked
                .wait(locked)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *locked = true; // still under the mutex: nobody comes between the check and this
        Guard { lock: self }
    }

    fn state(&self) -> MutexGuard<'_, bool> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
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
        *self.lock.state() = false; // first the state, then the notification: whoever wakes looks at the state
        self.lock.unlocked.notify_one();
    }
}
