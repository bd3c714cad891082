//! Wrong: wakes a waiter at the first twenty releases only
//! Changes: lock
//! Fails: lock::a_released_lock_wakes_a_waiter
//! Section: gil/exercise.md#wake-whoever-waits

use os::sync::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, PoisonError};

#[derive(Debug, Default)]
pub struct Lock {
    locked: Mutex<bool>,
    unlocked: Condvar,
    releases: AtomicUsize,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

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

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        *self.lock.state() = false; // first the state, then the notification: whoever wakes looks at the state
        if self.lock.releases.fetch_add(1, Ordering::Relaxed) < 20 {
            self.lock.unlocked.notify_one();
        }
    }
}
