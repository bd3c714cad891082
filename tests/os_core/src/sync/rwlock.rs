//! A lock that many may hold to read, or one to write.

use super::{lift, try_lift};
use crate::model::{self, Op, Tag, Waiting, show};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, TryLockError, TryLockResult};

/// A lock that many threads may hold to read, or one to write, as [`std::sync::RwLock`].
///
/// ```
/// # extern crate os_core as os;
/// use os::sync::RwLock;
/// let total = RwLock::new(40);
/// *total.write().unwrap() += 2;
/// assert_eq!(*total.read().unwrap(), 42);
/// ```
#[derive(Default)]
pub struct RwLock<T> {
    inner: std::sync::RwLock<T>,
    tag: Tag,
}

const KIND: &str = "lock";

impl<T> RwLock<T> {
    /// A new, unlocked lock around `value`.
    pub const fn new(value: T) -> Self {
        Self {
            inner: std::sync::RwLock::new(value),
            tag: Tag::new(),
        }
    }

    /// Whether a thread panicked while it held the lock to write.
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Forgets that a thread panicked while it held the lock to write.
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// The value, which nobody else can use now.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock to write.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }

    /// The value, once nobody shares the lock any more.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock to write.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}

macro_rules! side {
    ($lock:ident, $try_lock:ident, $Guard:ident, $what:literal) => {
        impl<T> RwLock<T> {
            #[doc = concat!("Waits until the lock can be held to ", $what, ", and acquires it.")]
            ///
            /// # Errors
            /// Poisoned: a thread panicked while it held the lock to write.
            pub fn $lock(&self) -> LockResult<$Guard<'_, T>> {
                let wrap = |guard| $Guard {
                    inner: Some(guard),
                    lock: self,
                };
                if !model::running() {
                    return lift(self.inner.$lock(), wrap);
                }
                model::point();
                loop {
                    match self.inner.$try_lock() {
                        Ok(guard) => return Ok($Guard::acquired(self, guard)),
                        Err(TryLockError::Poisoned(poisoned)) => {
                            return lift(Err(poisoned), |guard| $Guard::acquired(self, guard));
                        }
                        Err(TryLockError::WouldBlock) => {
                            model::wait(Waiting::Lock(self.tag.object(KIND)));
                        }
                    }
                }
            }

            #[doc = concat!("Acquires the lock to ", $what, " if that is possible right now.")]
            ///
            /// # Errors
            /// `WouldBlock` if it is not; poisoned if a thread panicked while it held the lock to write.
            pub fn $try_lock(&self) -> TryLockResult<$Guard<'_, T>> {
                if !model::running() {
                    let wrap = |guard| $Guard {
                        inner: Some(guard),
                        lock: self,
                    };
                    return try_lift(self.inner.$try_lock(), wrap);
                }
                model::point();
                let result = try_lift(self.inner.$try_lock(), |guard| {
                    $Guard::acquired(self, guard)
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
        }

        #[doc = concat!("The right to ", $what, " what a [`RwLock`] holds; dropping it unlocks.")]
        #[must_use = "the lock is released at once when the guard is not kept"]
        pub struct $Guard<'a, T> {
            /// `None` only while it is dropped.
            inner: Option<std::sync::$Guard<'a, T>>,
            lock: &'a RwLock<T>,
        }

        impl<'a, T> $Guard<'a, T> {
            fn acquired(lock: &'a RwLock<T>, guard: std::sync::$Guard<'a, T>) -> Self {
                let object = lock.tag.object(KIND);
                model::run::hold(object);
                model::record(
                    Some(object),
                    Op::Lock {
                        value: show::value(&*guard),
                    },
                );
                Self {
                    inner: Some(guard),
                    lock,
                }
            }
        }

        impl<T> Deref for $Guard<'_, T> {
            type Target = T;
            fn deref(&self) -> &T {
                self.inner.as_ref().expect("a guard has its lock")
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $Guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T> Drop for $Guard<'_, T> {
            fn drop(&mut self) {
                if !model::running() {
                    return;
                }
                model::point(); // others may find it locked
                let object = self.lock.tag.object(KIND);
                let value = self.inner.as_ref().and_then(|guard| show::value(&**guard));
                model::record(Some(object), Op::Unlock { value });
                let was_poisoned = self.lock.inner.is_poisoned();
                self.inner = None;
                if !was_poisoned && !model::run::unwinds_by_a_panic() {
                    self.lock.inner.clear_poison(); // as for a mutex
                }
                model::run::release(object);
            }
        }
    };
}

side!(read, try_read, RwLockReadGuard, "read");
side!(write, try_write, RwLockWriteGuard, "write");

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("a guard has its lock")
    }
}
