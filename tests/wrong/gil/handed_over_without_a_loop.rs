//! Wrong: hands the lock to the thread that it wakes, and takes any wake-up for that
//! Changes: lock
//! Fails: lock::a_spurious_wake_up_gives_no_guard
//! Section: gil/exercise.md#sleep-while-you-wait

pub struct Lock {
    locked: Mutex<bool>,
    unlocked: Condvar,
    waiters: os::sync::AtomicUsize,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mut locked = self.state();
        if *locked {
            self.waiters.fetch_add(1, os::sync::Ordering::SeqCst);
            let _handed_over = self
                .unlocked
                .wait(locked)
                .unwrap_or_else(PoisonError::into_inner);
        } else {
            *locked = true;
        }
        Guard { lock: self }
    }

    fn state(&self) -> MutexGuard<'_, bool> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut locked = self.lock.state();
        if self.lock.waiters.load(os::sync::Ordering::SeqCst) == 0 {
            *locked = false;
        } else {
            self.lock.waiters.fetch_sub(1, os::sync::Ordering::SeqCst);
            self.lock.unlocked.notify_one();
        }
    }
}
