//! Wrong: looks every millisecond
//! Changes: lock
//! Fails: lock::a_waiting_thread_sleeps
//! Section: gil/exercise.md#sleep-while-you-wait

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mut locked = self.state();
        while *locked {
            drop(locked);
            os::thread::sleep(std::time::Duration::from_millis(1));
            locked = self.state();
        }
        *locked = true; // still under the mutex: nobody comes between the check and this
        Guard { lock: self }
    }

    fn state(&self) -> MutexGuard<'_, bool> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
