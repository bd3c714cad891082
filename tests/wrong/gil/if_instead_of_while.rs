//! Wrong: waits once, and takes the lock whatever it finds
//! Changes: lock
//! Fails: lock::only_one_guard_exists_at_a_time
//! Section: gil/exercise.md#check-and-take-in-one-step

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mut locked = self.state();
        if *locked {
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
