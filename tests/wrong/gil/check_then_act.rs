//! Wrong: looks, unlocks, and takes: another thread takes it in between
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
        while *locked {
            locked = self
                .unlocked
                .wait(locked)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(locked);
        *self.state() = true;
        Guard { lock: self }
    }

    fn state(&self) -> MutexGuard<'_, bool> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
