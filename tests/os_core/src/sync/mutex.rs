//! A lock around a value.

use super::{lift, try_lift};
use crate::model::{self, Op, Tag, Waiting, show};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

/// A lock around a value, as [`std::sync::Mutex`].
///
/// ```
/// # extern crate os_core as os;
/// use os::sync::Mutex;
/// let total = Mutex::new(40);
/// *total.lock().unwrap() += 2;
/// assert_eq!(total.into_inner().unwrap(), 42);
/// ```
#[derive(Default)]
pub struct Mutex<T> {
    inner: std::sync::Mutex<T>,
    tag: Tag,
}

const KIND: &str = "lock";

impl<T> Mutex<T> {
    /// A new, unlocked lock around `value`.
    pub const fn new(value: T) -> Self {
        Self {
            inner: std::sync::Mutex::new(value),
            tag: Tag::new(),
        }
    }

    /// Waits until no other thread holds the lock, and acquires it.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        if model::running() {
            model::point();
            return self.acquire();
        }
        lift(self.inner.lock(), |guard| self.guard(guard))
    }

    /// In a model run: waits for the lock, without a scheduling point if it is free.
    #[inline]
    pub(super) fn acquire(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = self.guard(self.acquire_in_model());
        match self.inner.is_poisoned() {
            true => Err(PoisonError::new(guard)),
            false => Ok(guard),
        }
    }

    /// Returns what fits into two registers: a guard that was in memory once stays there, which makes a plain run slower, too.
    #[cold]
    #[inline(never)]
    fn acquire_in_model(&self) -> std::sync::MutexGuard<'_, T> {
        let object = self.tag.object(KIND);
        let guard = loop {
            match self.inner.try_lock() {
                Ok(guard) => break guard,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => model::wait(Waiting::Lock(object)),
            }
        };
        self.record_lock(&guard);
        guard
    }

    fn record_lock(&self, guard: &std::sync::MutexGuard<'_, T>) {
        let object = self.tag.object(KIND);
        model::run::hold(object);
        model::record(
            Some(object),
            Op::Lock {
                value: show::value(&**guard),
            },
        );
    }

    /// In a model run: unlocks without a scheduling point.
    fn unlock(&self, guard: std::sync::MutexGuard<'_, T>) {
        let was_poisoned = self.inner.is_poisoned();
        drop(guard);
        if !was_poisoned && !model::run::unwinds_by_a_panic() {
            // The standard library asks whether the OS thread unwinds. That may be another thread of the run, or this one
            // because the run has ended: then an `unwrap` in a `drop` must not abort the process before the run tells why.
            self.inner.clear_poison();
        }
        model::run::release(self.tag.object(KIND));
    }

    /// In a model run: a scheduling point, then unlocks.
    #[cold]
    #[inline(never)]
    fn unlock_in_model(&self, guard: std::sync::MutexGuard<'_, T>) {
        model::point(); // others may find it locked
        let object = self.tag.object(KIND);
        let value = show::value(&*guard);
        model::record(Some(object), Op::Unlock { value });
        self.unlock(guard);
    }

    #[inline]
    fn guard<'a>(&'a self, guard: std::sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard {
            inner: Some(guard),
            mutex: self,
        }
    }

    /// Acquires the lock if nobody holds it.
    ///
    /// # Errors
    /// `WouldBlock` if somebody does; poisoned as in [`lock`](Self::lock).
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if !model::running() {
            return try_lift(self.inner.try_lock(), |guard| self.guard(guard));
        }
        model::point();
        let result = try_lift(self.inner.try_lock(), |guard| {
            self.record_lock(&guard);
            self.guard(guard)
        });
        if let Err(TryLockError::WouldBlock) = result {
            let (expected, value) = ("unlocked".into(), "locked".into());
            model::record(
                Some(self.tag.object(KIND)),
                Op::CompareFailed { expected, value },
            );
        }
        result
    }

    /// Whether a thread panicked while it held the lock.
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Forgets that a thread panicked while it held the lock.
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// The value, which nobody else can use now.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }

    /// The value, once nobody shares the lock any more.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// Exclusive use of what a [`Mutex`] holds; dropping it unlocks.
#[must_use = "the lock is released at once when the guard is not kept"]
pub struct MutexGuard<'a, T> {
    /// `None` only while a condition variable has it.
    inner: Option<std::sync::MutexGuard<'a, T>>,
    mutex: &'a Mutex<T>,
}

impl<'a, T> MutexGuard<'a, T> {
    /// The mutex and the standard library's guard, for a condition variable.
    pub(super) fn into_parts(mut self) -> (&'a Mutex<T>, std::sync::MutexGuard<'a, T>) {
        (
            self.mutex,
            self.inner.take().expect("a guard is taken apart once"),
        )
    }

    /// A guard from the standard library's, as a condition variable returns it.
    pub(super) fn from_parts(mutex: &'a Mutex<T>, guard: std::sync::MutexGuard<'a, T>) -> Self {
        mutex.guard(guard)
    }

    /// In a model run: unlocks without a scheduling point, and returns the lock.
    pub(super) fn release(self) -> &'a Mutex<T> {
        let (mutex, guard) = self.into_parts();
        mutex.unlock(guard);
        mutex
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("a guard has its lock")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("a guard has its lock")
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if model::running()
            && let Some(guard) = self.inner.take()
        {
            self.mutex.unlock_in_model(guard);
        }
    }
}
