//! Wrong: has a thread of its own that wakes the waiters, and leaves it running
//! Changes: lock
//! Fails: lock::nothing_is_left_behind
//! Section: gil/exercise.md#step-1-a-lock-with-a-guard

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        std::thread::spawn(|| std::thread::park());
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mut locked = self.state();
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
