//! Atomics.

use crate::model::{self, Op, Tag};
use std::fmt;
use std::sync::atomic::Ordering;

/// The operations that all atomics have.
macro_rules! atomic {
    ($name:ident, $value:ty, $kind:literal, $(#[$doc:meta])*) => {
        $(#[$doc])*
        pub struct $name {
            value: std::sync::atomic::$name,
            tag: Tag,
        }

        impl $name {
            /// A new atomic that holds `value`.
            #[must_use]
            pub const fn new(value: $value) -> Self {
                Self { value: std::sync::atomic::$name::new(value), tag: Tag::new() }
            }

            /// Reads the value.
            #[inline]
            pub fn load(&self, order: Ordering) -> $value {
                if model::running() {
                    return self.load_in_model(order);
                }
                self.value.load(order)
            }

            #[cold]
            #[inline(never)]
            fn load_in_model(&self, order: Ordering) -> $value {
                model::access(&self.tag, $kind, || {
                    let seen = self.value.load(order);
                    (seen, Op::Load { value: seen.to_string() })
                })
            }

            /// Writes `value`.
            #[inline]
            pub fn store(&self, value: $value, order: Ordering) {
                if model::running() {
                    return self.store_in_model(value, order);
                }
                self.value.store(value, order);
            }

            #[cold]
            #[inline(never)]
            fn store_in_model(&self, value: $value, order: Ordering) {
                model::access(&self.tag, $kind, || {
                    self.value.store(value, order);
                    ((), Op::Store { value: value.to_string() })
                });
            }

            /// Writes `value` and returns the one before, in one step.
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.swap(value, order);
                }
                self.update(|atomic| atomic.swap(value, order), |_| value)
            }

            /// A read and a write in one step of a model run.
            fn update(
                &self,
                run: impl FnOnce(&std::sync::atomic::$name) -> $value,
                change: impl FnOnce($value) -> $value,
            ) -> $value {
                model::access(&self.tag, $kind, || {
                    let before = run(&self.value);
                    let after = change(before).to_string();
                    (before, Op::Update { before: before.to_string(), after })
                })
            }

            /// Writes `new` if the value is `current`, in one step.
            ///
            /// # Errors
            /// The value that was there instead of `current`; nothing was written.
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let run = || self.value.compare_exchange(current, new, success, failure);
                if !model::running() {
                    return run();
                }
                model::access(&self.tag, $kind, || match run() {
                    Ok(seen) => {
                        (Ok(seen), Op::Update { before: seen.to_string(), after: new.to_string() })
                    }
                    Err(seen) => {
                        let (expected, value) = (current.to_string(), seen.to_string());
                        (Err(seen), Op::CompareFailed { expected, value })
                    }
                })
            }

            /// Does what [`compare_exchange`](Self::compare_exchange) does, but may fail spuriously on some processors.
            ///
            /// # Errors
            /// The value that was there; nothing was written.
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }

            /// Computes a new value from the old one, again and again until no other thread came between.
            ///
            /// # Errors
            /// The value for which `f` returned `None`.
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut f: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut seen = self.load(fetch);
                while let Some(new) = f(seen) {
                    match self.compare_exchange(seen, new, set, fetch) {
                        Ok(before) => return Ok(before),
                        Err(now) => seen = now,
                    }
                }
                Err(seen)
            }

            /// Keeps the bits that are set in `value` too, and returns the value before, in one step.
            pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_and(value, order);
                }
                self.update(|atomic| atomic.fetch_and(value, order), |seen| seen & value)
            }

            /// Sets the bits that are set in `value`, and returns the value before, in one step.
            pub fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_or(value, order);
                }
                self.update(|atomic| atomic.fetch_or(value, order), |seen| seen | value)
            }

            /// Flips the bits that are set in `value`, and returns the value before, in one step.
            pub fn fetch_xor(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_xor(value, order);
                }
                self.update(|atomic| atomic.fetch_xor(value, order), |seen| seen ^ value)
            }

            /// The value, which nobody else can use now.
            pub fn get_mut(&mut self) -> &mut $value {
                self.value.get_mut()
            }

            /// The value, once nobody shares it any more.
            #[must_use]
            pub fn into_inner(self) -> $value {
                self.value.into_inner()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(<$value>::default())
            }
        }

        impl From<$value> for $name {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }

        /// Reads the value, as `load` does.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.load(Ordering::Relaxed), f)
            }
        }
    };
}

/// What atomic numbers have besides.
macro_rules! atomic_number {
    ($($name:ident, $value:ident;)*) => {$(
        atomic! {
            $name, $value, "counter",
            #[doc = concat!("A `", stringify!($value), "` that threads may share, as [`std::sync::atomic::", stringify!($name), "`].")]
            ///
            /// In a model run every access is one step of its thread: the scheduler may let another thread go
            /// first.
            ///
            /// ```
            /// # extern crate os_core as os;
            #[doc = concat!("use os::sync::{", stringify!($name), ", Ordering};")]
            #[doc = concat!("let counter = ", stringify!($name), "::new(40);")]
            /// counter.fetch_add(2, Ordering::Relaxed);
            /// assert_eq!(counter.load(Ordering::Relaxed), 42);
            /// ```
        }

        impl $name {
            /// Adds `value`, wrapping around, and returns the value before, in one step.
            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_add(value, order);
                }
                self.update(|atomic| atomic.fetch_add(value, order), |seen| seen.wrapping_add(value))
            }

            /// Subtracts `value`, wrapping around, and returns the value before, in one step.
            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_sub(value, order);
                }
                self.update(|atomic| atomic.fetch_sub(value, order), |seen| seen.wrapping_sub(value))
            }

            /// Writes the larger of the two values and returns the one before, in one step.
            pub fn fetch_max(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_max(value, order);
                }
                self.update(|atomic| atomic.fetch_max(value, order), |seen| seen.max(value))
            }

            /// Writes the smaller of the two values and returns the one before, in one step.
            pub fn fetch_min(&self, value: $value, order: Ordering) -> $value {
                if !model::running() {
                    return self.value.fetch_min(value, order);
                }
                self.update(|atomic| atomic.fetch_min(value, order), |seen| seen.min(value))
            }
        }
    )*};
}

atomic_number! {
    AtomicU64, u64;
    AtomicI64, i64;
    AtomicUsize, usize;
    AtomicU32, u32;
    AtomicI32, i32;
    AtomicU8, u8;
}

atomic! {
    AtomicBool, bool, "flag",
    /// A `bool` that threads may share, as [`std::sync::atomic::AtomicBool`].
    ///
    /// ```
    /// # extern crate os_core as os;
    /// use os::sync::{AtomicBool, Ordering};
    /// let done = AtomicBool::new(false);
    /// done.store(true, Ordering::Release);
    /// assert!(done.load(Ordering::Acquire));
    /// ```
}
