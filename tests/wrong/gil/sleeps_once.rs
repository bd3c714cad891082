//! Wrong: sleeps once, and looks again and again after the first wake-up
//! Changes: lock
//! Fails: lock::a_waiting_thread_sleeps
//! Section: gil/exercise.md#sleep-while-you-wait

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
        if *locked {
            locked = self
                .unlocked
                .wait(locked)
                .unwrap_or_else(PoisonError::into_inner);
        }
        while *locked {
            drop(locked);
            os::thread::yield_now();
            locked = self.state();
        }
        *locked = true; // still under the mutex: nobody comes between the check and this
        Guard { lock: self }
    }

    fn state(&self) -> MutexGuard<'_, bool> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
