//! Atomics and locks that are the standard library's outside a model run and scheduled by it inside.
//!
//! Which of the two a value is, is decided when it is constructed, so one build serves both.

use crate::model;
use std::fmt;
use std::ops::{Deref, DerefMut};
pub use std::sync::atomic::Ordering;
pub use std::sync::{Arc, LockResult, PoisonError};

/// A `u64` that threads may share, as [`std::sync::atomic::AtomicU64`].
///
/// In a model run every access is one step of its thread: the scheduler may let another thread go
/// first. The model is sequentially consistent: it shows lost updates, not reordering.
///
/// ```
/// use os::sync::{AtomicU64, Ordering};
/// let counter = AtomicU64::new(40);
/// counter.fetch_add(2, Ordering::Relaxed);
/// assert_eq!(counter.load(Ordering::Relaxed), 42);
/// ```
#[derive(Default)]
pub struct AtomicU64 {
    value: std::sync::atomic::AtomicU64,
    /// The name in a schedule, for a value constructed inside a model run.
    object: Option<model::Object>,
}

impl AtomicU64 {
    /// A new atomic that holds `value`.
    #[must_use]
    pub fn new(value: u64) -> Self {
        Self {
            value: value.into(),
            object: model::object("counter"),
        }
    }

    /// Reads the value.
    pub fn load(&self, order: Ordering) -> u64 {
        self.step();
        let seen = self.value.load(order);
        self.log(|| format!("reads {seen}"));
        seen
    }

    /// Writes `value`.
    pub fn store(&self, value: u64, order: Ordering) {
        self.step();
        self.value.store(value, order);
        self.log(|| format!("writes {value}"));
    }

    /// Writes `value` and returns the one before, in one step.
    pub fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.step();
        let before = self.value.swap(value, order);
        self.log(|| format!("swaps {before} for {value}"));
        before
    }

    /// Adds `value`, wrapping around, and returns the value before, in one step.
    pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.step();
        let before = self.value.fetch_add(value, order);
        self.log(|| format!("adds {value} to {before}"));
        before
    }

    /// Subtracts `value`, wrapping around, and returns the value before, in one step.
    pub fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
        self.step();
        let before = self.value.fetch_sub(value, order);
        self.log(|| format!("subtracts {value} from {before}"));
        before
    }

    /// Writes `new` if the value is `current`, in one step.
    ///
    /// # Errors
    /// The value that was there instead of `current`; nothing was written.
    pub fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.step();
        let outcome = self.value.compare_exchange(current, new, success, failure);
        self.log(|| match outcome {
            Ok(_) => format!("replaces {current} by {new}"),
            Err(seen) => format!("finds {seen}, not {current}"),
        });
        outcome
    }

    /// As [`compare_exchange`](Self::compare_exchange); on some processors it may fail for no reason.
    ///
    /// # Errors
    /// The value that was there; nothing was written.
    pub fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange(current, new, success, failure)
    }

    /// Computes a new value from the old one until no other thread came between.
    ///
    /// # Errors
    /// The value for which `f` returned `None`.
    pub fn fetch_update(
        &self,
        set: Ordering,
        fetch: Ordering,
        mut f: impl FnMut(u64) -> Option<u64>,
    ) -> Result<u64, u64> {
        let mut seen = self.load(fetch);
        while let Some(new) = f(seen) {
            match self.compare_exchange(seen, new, set, fetch) {
                Ok(before) => return Ok(before),
                Err(now) => seen = now,
            }
        }
        Err(seen)
    }

    /// The value, once nobody shares it any more.
    #[must_use]
    pub fn into_inner(self) -> u64 {
        self.value.into_inner()
    }

    fn step(&self) {
        if self.object.is_some() {
            model::step();
        }
    }

    fn log(&self, what: impl FnOnce() -> String) {
        if let Some(object) = &self.object {
            object.log(what());
        }
    }
}

impl fmt::Debug for AtomicU64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A lock around a value, as [`std::sync::Mutex`].
pub struct Mutex<T>(Lock<T>);

enum Lock<T> {
    Std(std::sync::Mutex<T>),
    /// Boxed: a lock in a plain run need not be larger for it.
    Model(Box<(shuttle::sync::Mutex<T>, model::Object)>),
}

impl<T> Mutex<T> {
    /// A new, unlocked lock around `value`.
    pub fn new(value: T) -> Self {
        Self(match model::object("lock") {
            None => Lock::Std(std::sync::Mutex::new(value)),
            Some(object) => Lock::Model(Box::new((shuttle::sync::Mutex::new(value), object))),
        })
    }

    /// Waits until no other thread holds the lock, and takes it.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match &self.0 {
            Lock::Std(lock) => lift(lock.lock(), |guard| MutexGuard(Guard::Std(guard))),
            Lock::Model(model) => {
                let (lock, object) = &**model;
                let taken = lift(lock.lock(), |guard| MutexGuard(Guard::Model(guard, object)));
                object.log("takes".into());
                taken
            }
        }
    }

    /// The value, once nobody shares the lock any more.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn into_inner(self) -> LockResult<T> {
        match self.0 {
            Lock::Std(lock) => lock.into_inner(),
            Lock::Model(model) => model.0.into_inner(),
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

fn lift<G, H>(result: LockResult<G>, wrap: impl FnOnce(G) -> H) -> LockResult<H> {
    match result {
        Ok(guard) => Ok(wrap(guard)),
        Err(poisoned) => Err(PoisonError::new(wrap(poisoned.into_inner()))),
    }
}

/// The right to use what a [`Mutex`] holds; dropping it unlocks.
#[must_use = "the lock is given back at once when the guard is not kept"]
pub struct MutexGuard<'a, T>(Guard<'a, T>);

enum Guard<'a, T> {
    Std(std::sync::MutexGuard<'a, T>),
    Model(shuttle::sync::MutexGuard<'a, T>, &'a model::Object),
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match &self.0 {
            Guard::Std(guard) => guard,
            Guard::Model(guard, _) => guard,
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Guard::Std(guard) => guard,
            Guard::Model(guard, _) => guard,
        }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if let Guard::Model(_, object) = &self.0
            && !std::thread::panicking()
        {
            object.log("gives back".into());
        }
    }
}
