//! Bonus: threads that come back from I/O go first.

use os::time::Duration;

/// A lock like [`Gil`](crate::switching::Gil), in which a thread that comes back from I/O doesn't wait for the
/// intervals of the others.
///
/// Its fields are yours to choose. You can start with those of `Gil`.
#[derive(Debug)]
pub struct IoFirst {
    /// The switch interval.
    interval: Duration,
}

impl IoFirst {
    /// Makes a lock that nobody holds, with this switch interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval }
    }

    /// Waits for the lock and returns its guard.
    ///
    /// Threads that compute get the lock as in step 2: first come, first served, an interval for each.
    pub fn acquire(&self) -> IoFirstGuard<'_> {
        todo!(
            "take the lock as `Gil` does, with an interval of {:?}",
            self.interval
        )
    }
}

/// Exclusive use of what an [`IoFirst`] guards. Dropping it gives the lock up, even in a panic.
#[must_use = "the lock is given up at once when the guard is not kept"]
#[derive(Debug)]
pub struct IoFirstGuard<'a> {
    lock: &'a IoFirst,
}

impl IoFirstGuard<'_> {
    /// Passes the lock on if somebody requested it, and returns whether it did.
    ///
    /// A thread that is interrupted by one that came back is the next of those that compute, for the rest of its
    /// interval.
    pub fn safe_point(&mut self) -> bool {
        todo!(
            "if the lock was requested, pass it on and wait for your next turn; say whether it was"
        )
    }

    /// Gives the lock up, runs `work`, takes the lock back, and returns what `work` returned.
    ///
    /// A thread that comes back requests the lock at once and goes ahead of every thread that computes, so it waits
    /// only for the next safe point. Threads that compute still get at least half of the time, however often others
    /// come back, and no thread waits forever. A panic in `work` is handled as in step 3.
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _ = (self.lock, work);
        todo!("give the lock up, run `work`, take the lock back before those that compute")
    }
}

impl Drop for IoFirstGuard<'_> {
    fn drop(&mut self) {
        todo!("give the lock up")
    }
}
