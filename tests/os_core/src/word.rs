//! A word of memory that several processes may map.

use crate::hook::{self, Access, Event, When};
#[cfg(feature = "model")]
use crate::model::memory;
use crate::spaces;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A `u64` in memory that several processes may map: every access is atomic.
///
/// Its methods are those of [`std::sync::atomic::AtomicU64`].
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// use os::memory::{Mapping, Ordering::SeqCst};
/// let mapping = Mapping::shared(1)?;
/// let word = mapping.word(0);
/// word.store(40, SeqCst);
/// assert_eq!(word.fetch_add(2, SeqCst), 40); // what was there before
/// assert_eq!(word.load(SeqCst), 42);
/// # Ok(())
/// # }
/// ```
#[repr(transparent)]
pub struct Word(AtomicU64);

impl Word {
    #[inline]
    pub(crate) fn wrap(atomic: &AtomicU64) -> &Self {
        // SAFETY: `Word` is a transparent wrapper of `AtomicU64`.
        unsafe { &*std::ptr::from_ref(atomic).cast() }
    }

    /// The change that a model run makes instead, where one is going on.
    #[cfg(feature = "model")]
    #[inline]
    fn in_model(&self, change: &memory::Change<'_>) -> Option<(u64, bool)> {
        crate::model::running().then(|| memory::access(&self.0, change))
    }

    /// Runs one access between its events. `access` returns its result, the value that it found, if it read one,
    /// and the value that it wrote, if any.
    #[inline]
    fn access<T>(
        &self,
        access: Access,
        run: impl FnOnce(&AtomicU64) -> (T, Option<u64>, Option<u64>),
    ) -> T {
        if !hook::listening() {
            return run(&self.0).0;
        }
        self.report(When::Before, access, None, None);
        let (value, seen, now) = run(&self.0);
        self.report(When::After, access, seen, now);
        value
    }

    pub(crate) fn atomic(&self) -> &AtomicU64 {
        &self.0
    }

    #[cold]
    fn report(&self, when: When, access: Access, seen: Option<u64>, now: Option<u64>) {
        if let Some((space, index)) = spaces::of_word(std::ptr::from_ref(self) as usize) {
            let wrote = now.is_some();
            hook::notify(&Event::Access {
                when,
                space,
                index,
                access,
                wrote,
                seen,
                now,
            });
        }
    }

    fn update(
        &self,
        order: Ordering,
        run: impl FnOnce(&AtomicU64) -> u64,
        change: impl Fn(u64) -> u64,
    ) -> u64 {
        #[cfg(feature = "model")]
        if let Some((seen, _)) = self.in_model(&memory::Change::Update(
            &|seen| Some(change(seen)),
            order,
            order,
        )) {
            return seen;
        }
        #[cfg(not(feature = "model"))]
        let _ = order;
        self.access(Access::Update, |atomic| {
            let seen = run(atomic);
            (seen, Some(seen), Some(change(seen)))
        })
    }

    /// Reads the word.
    #[inline]
    pub fn load(&self, order: Ordering) -> u64 {
        #[cfg(feature = "model")]
        if let Some((seen, _)) = self.in_model(&memory::Change::Load(order)) {
            return seen;
        }
        self.access(Access::Load, |atomic| {
            let seen = atomic.load(order);
            (seen, Some(seen), None)
        })
    }

    /// Writes the word.
    #[inline]
    pub fn store(&self, value: u64, order: Ordering) {
        #[cfg(feature = "model")]
        if self
            .in_model(&memory::Change::Store(value, order))
            .is_some()
        {
            return;
        }
        self.access(Access::Store, |atomic| {
            atomic.store(value, order);
            ((), None, Some(value))
        });
    }

    /// Writes `value` and returns what was there before, in one step.
    pub fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.update(order, |atomic| atomic.swap(value, order), |_| value)
    }

    /// Adds to the word, wrapping around, and returns what was there before, in one step.
    pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_add(value, order),
            |seen| seen.wrapping_add(value),
        )
    }

    /// Subtracts from the word, wrapping around, and returns what was there before, in one step.
    pub fn fetch_sub(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_sub(value, order),
            |seen| seen.wrapping_sub(value),
        )
    }

    /// Writes the larger of the word and `value`, and returns what was there before, in one step.
    pub fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_max(value, order),
            |seen| seen.max(value),
        )
    }

    /// Writes the smaller of the word and `value`, and returns what was there before, in one step.
    pub fn fetch_min(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_min(value, order),
            |seen| seen.min(value),
        )
    }

    /// Keeps the bits that are set in `value` too, and returns what was there before, in one step.
    pub fn fetch_and(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_and(value, order),
            |seen| seen & value,
        )
    }

    /// Sets the bits that are set in `value`, and returns what was there before, in one step.
    pub fn fetch_or(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_or(value, order),
            |seen| seen | value,
        )
    }

    /// Flips the bits that are set in `value`, and returns what was there before, in one step.
    pub fn fetch_xor(&self, value: u64, order: Ordering) -> u64 {
        self.update(
            order,
            |atomic| atomic.fetch_xor(value, order),
            |seen| seen ^ value,
        )
    }

    /// Writes `new` if the word holds `current`, in one step.
    ///
    /// # Errors
    /// What was there instead of `current`; nothing was written.
    pub fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        #[cfg(feature = "model")]
        if let Some((seen, wrote)) = self.in_model(&memory::Change::Update(
            &|seen| (seen == current).then_some(new),
            success,
            failure,
        )) {
            return if wrote { Ok(seen) } else { Err(seen) };
        }
        self.access(Access::Update, |atomic| {
            match atomic.compare_exchange(current, new, success, failure) {
                Ok(seen) => (Ok(seen), Some(seen), Some(new)),
                Err(seen) => (Err(seen), Some(seen), None),
            }
        })
    }

    /// Does what [`compare_exchange`](Self::compare_exchange) does, but may fail spuriously on some processors.
    ///
    /// # Errors
    /// What was there; nothing was written.
    pub fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange(current, new, success, failure)
    }

    /// Computes a new value from the old one, again and again until nobody came between.
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
}

/// Reads the word, as [`load`](Word::load) does.
impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Word")
            .field(&self.load(Ordering::Relaxed))
            .finish()
    }
}
