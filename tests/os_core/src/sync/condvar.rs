//! A condition variable.

use super::MutexGuard;
use crate::model::{self, Op, Tag, Waiting};
use crate::time::Instant;
use std::fmt;
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

/// A condition variable, as [`std::sync::Condvar`]. Use it with one [`Mutex`](super::Mutex) only.
///
/// ```
/// # extern crate os_core as os;
/// use os::sync::{Arc, Condvar, Mutex};
/// let shared = Arc::new((Mutex::new(false), Condvar::new()));
/// let theirs = shared.clone();
/// let thread = os::thread::spawn(move || {
///     *theirs.0.lock().unwrap() = true;
///     theirs.1.notify_one();
/// });
/// let ready = shared.1.wait_while(shared.0.lock().unwrap(), |ready| !*ready).unwrap();
/// assert!(*ready);
/// # drop(ready);
/// thread.join().unwrap();
/// ```
#[derive(Default)]
pub struct Condvar {
    inner: std::sync::Condvar,
    tag: Tag,
}

const KIND: &str = "condvar";

/// Whether a wait ended because its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was over.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A new condition variable, for which nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            inner: std::sync::Condvar::new(),
            tag: Tag::new(),
        }
    }

    /// Unlocks, waits for a notification, and locks again.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        if !model::running() {
            let (mutex, guard) = guard.into_parts();
            return super::lift(self.inner.wait(guard), |guard| {
                MutexGuard::from_parts(mutex, guard)
            });
        }
        self.wait_in_model(guard, None).0
    }

    fn wait_in_model<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Option<Duration>,
    ) -> (LockResult<MutexGuard<'a, T>>, WaitTimeoutResult) {
        let object = self.tag.object(KIND);
        model::point();
        model::record(Some(object), Op::Wait);
        let mutex = guard.release(); // in one step with beginning to wait: no notification comes between
        match limit {
            _ if model::run::is_spurious() => model::point(),
            None => model::wait(Waiting::Condvar(object)),
            Some(limit) => model::run::wait_until(Waiting::Condvar(object), limit),
        }
        // Asked before the lock: waiting for that is a wait of its own, which doesn't time out.
        let result = WaitTimeoutResult(model::run::take_timeout());
        (mutex.acquire(), result)
    }

    /// Waits until `condition` is false.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits for a notification, but no longer than `time`. In a model run the time is over when no other thread can
    /// go on, unless the run has a clock.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        if !model::running() {
            let (mutex, guard) = guard.into_parts();
            return super::lift(self.inner.wait_timeout(guard, time), |(guard, result)| {
                let guard = MutexGuard::from_parts(mutex, guard);
                (guard, WaitTimeoutResult(result.timed_out()))
            });
        }
        let (guard, result) = self.wait_in_model(guard, Some(time));
        super::lift(guard, |guard| (guard, result))
    }

    /// Waits until `condition` is false, but no longer than `time`.
    ///
    /// # Errors
    /// Poisoned: a thread panicked while it held the lock.
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let begin = Instant::now();
        let mut timed_out = false;
        while condition(&mut *guard) {
            if timed_out {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            let left = time.saturating_sub(begin.elapsed());
            let result;
            (guard, result) = self.wait_timeout(guard, left).map_err(|poisoned| {
                let (guard, result) = poisoned.into_inner();
                PoisonError::new((guard, result))
            })?;
            timed_out = result.timed_out();
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// Wakes one thread that waits, if there is one.
    pub fn notify_one(&self) {
        self.notify(std::sync::Condvar::notify_one, model::run::wake_one);
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        self.notify(std::sync::Condvar::notify_all, |object| {
            model::wake(Waiting::Condvar(object));
        });
    }

    fn notify(&self, plain: fn(&std::sync::Condvar), wake: fn(usize)) {
        if !model::running() {
            return plain(&self.inner);
        }
        let object = self.tag.object(KIND);
        model::point();
        model::record(Some(object), Op::Notify);
        wake(object);
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
