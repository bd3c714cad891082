//! Right: holds the guard of a mutex around nothing
//! Replaces: lock

use os::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub struct Lock {
    inner: Mutex<()>,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        Guard {
            _inner: self.inner.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[must_use]
#[derive(Debug)]
pub struct Guard<'a> {
    _inner: MutexGuard<'a, ()>,
}
