//! Right: tries an atomic first, and sleeps on a condition variable when that fails
//! Replaces: lock

use os::sync::{AtomicU32, Condvar, Mutex, Ordering};

/// 0: free; 1: taken; 2: taken, and somebody may sleep.
#[derive(Debug, Default)]
pub struct Lock {
    state: AtomicU32,
    sleepers: Mutex<()>,
    wake: Condvar,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let free = self
            .state
            .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        if free.is_err() {
            let mut sleeping = self.sleepers.lock().unwrap();
            while self.state.swap(2, Ordering::Acquire) != 0 {
                sleeping = self.wake.wait(sleeping).unwrap();
            }
        }
        Guard { lock: self }
    }
}

#[must_use]
#[derive(Debug)]
pub struct Guard<'a> {
    lock: &'a Lock,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.lock.state.swap(0, Ordering::Release) == 2 {
            let _sleepers = self.lock.sleepers.lock().unwrap();
            self.lock.wake.notify_one();
        }
    }
}
