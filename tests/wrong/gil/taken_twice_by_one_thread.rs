//! Wrong: gives the thread that has the guard a second one
//! Changes: lock
//! Fails: lock::only_one_guard_exists_at_a_time
//! Section: gil/exercise.md#step-1-a-lock-with-a-guard

use os::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use os::thread::{self, ThreadId};

#[derive(Debug, Default)]
pub struct Lock {
    locked: Mutex<(Option<ThreadId>, usize)>,
    unlocked: Condvar,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let me = thread::current().id();
        let mut locked = self.state();
        while locked.0.is_some_and(|owner| owner != me) {
            locked = self
                .unlocked
                .wait(locked)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *locked = (Some(me), locked.1 + 1);
        Guard { lock: self }
    }

    fn state(&self) -> MutexGuard<'_, (Option<ThreadId>, usize)> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut locked = self.lock.state();
        locked.1 -= 1;
        if locked.1 == 0 {
            locked.0 = None;
            self.lock.unlocked.notify_one();
        }
    }
}
