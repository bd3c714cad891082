//! Wrong: wakes every millisecond to look, and isn't woken by anybody
//! Changes: lock
//! Fails: lock::a_waiting_thread_sleeps
//! Section: gil/exercise.md#sleep-while-you-wait

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mut locked = self.locked.lock().unwrap();
        while *locked {
            let (guard, _) = self
                .unlocked
                .wait_timeout(locked, os::time::Duration::from_millis(1))
                .unwrap();
            locked = guard;
        }
        *locked = true;
        Guard { lock: self }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        *self.lock.locked.lock().unwrap() = false;
    }
}
