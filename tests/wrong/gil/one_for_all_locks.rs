//! Wrong: keeps the state in a static, so all locks are one
//! Changes: lock
//! Fails: lock::two_locks_have_nothing_to_do_with_each_other
//! Section: gil/exercise.md#step-1-a-lock-with-a-guard

impl Lock {
    #[must_use]
    pub fn new() -> Self {
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
        static LOCKED: Mutex<bool> = Mutex::new(false);
        let _ = &self.locked;
        LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
