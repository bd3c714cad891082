//! Bonus: threads that come back from I/O go first.

use os::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, PoisonError};
use os::time::{Duration, Instant};
use std::collections::VecDeque;

/// A lock like [`Gil`](crate::switching::Gil), in which a thread that comes back from I/O doesn't wait for the
/// intervals of the others.
///
/// Its fields are yours to choose. You can start with those of `Gil`.
#[derive(Debug)]
pub struct IoFirst {
    /// The switch interval.
    interval: Duration,
    state: Mutex<State>,
    /// Notified when the lock changes hands.
    switched: Condvar,
    requested: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// Who holds the lock, and since when.
    holder: Option<Holder>,
    since: Instant,
    /// Threads that come back from I/O.
    returning: VecDeque<Waiter>,
    /// Threads that compute.
    computing: VecDeque<Waiter>,
    next_id: u64,
    /// Nanoseconds for which threads that compute have held the lock, less those for which others went first.
    credit: i64,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    id: u64,
    /// How much of its interval it has left.
    left: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    waiter: Waiter,
    /// Whether it went first because it came back.
    first: bool,
}

impl IoFirst {
    /// Makes a lock that nobody holds, with this switch interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::new(State {
                holder: None,
                since: Instant::now(),
                returning: VecDeque::new(),
                computing: VecDeque::new(),
                next_id: 0,
                credit: 1,
            }),
            switched: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    /// Waits for the lock and returns its guard.
    ///
    /// Threads that compute get the lock as in step 2: first come, first served, an interval for each.
    pub fn acquire(&self) -> IoFirstGuard<'_> {
        self.take(false);
        IoFirstGuard { lock: self }
    }

    fn take(&self, returning: bool) {
        let mut state = self.state();
        let waiter = Waiter {
            id: state.next_id,
            left: self.interval,
        };
        state.next_id += 1;
        if state.holder.is_none() {
            state.hold(Holder {
                waiter,
                first: returning,
            });
            return;
        }
        if returning {
            state.returning.push_back(waiter);
            if state.may_interrupt() {
                self.requested.store(true, Ordering::Relaxed);
            }
        } else {
            state.computing.push_back(waiter);
        }
        self.wait(state, waiter.id);
    }

    /// Waits until the lock was handed to the waiter with this id.
    fn wait(&self, mut state: MutexGuard<'_, State>, id: u64) {
        loop {
            let (holder, left) = match state.holder {
                Some(holder) if holder.waiter.id == id => return,
                Some(holder) => (holder.waiter.id, holder.waiter.left),
                None => unreachable!("the lock is free, and somebody waits for it"),
            };
            let (guard, result) = self
                .switched
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if result.timed_out() && state.holder.map(|now| now.waiter.id) == Some(holder) {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
    }

    fn release(&self) {
        let mut state = self.state();
        state.account(self.interval);
        state.pass_on();
        self.announce(&state);
    }

    /// Passes the lock on, and waits for the next turn; returns whether somebody else had one.
    fn switch(&self) -> bool {
        let mut state = self.state();
        let Some(holder) = state.holder else {
            return false;
        };
        let held = state.account(self.interval);
        if !holder.first && state.computing.is_empty() && !state.goes_first() {
            // Only threads that came back wait, and they have had their half.
            state.hold(holder);
            self.announce(&state);
            return false;
        }
        let is_interrupted = state.goes_first() && !holder.first && held < holder.waiter.left;
        state.pass_on(); // before this thread is in a queue itself
        let id = state.next_id;
        state.next_id += 1;
        if is_interrupted {
            // It goes on next, with what is left of its interval.
            let left = holder.waiter.left.saturating_sub(held);
            state.computing.push_front(Waiter { id, left });
        } else {
            let left = self.interval;
            state.computing.push_back(Waiter { id, left });
        }
        self.announce(&state);
        self.wait(state, id);
        true
    }

    /// Tells the threads that wait who holds the lock now.
    fn announce(&self, state: &State) {
        self.requested
            .store(state.may_interrupt(), Ordering::Relaxed);
        if state.holder.is_some() {
            self.switched.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hold(&mut self, holder: Holder) {
        self.holder = Some(holder);
        self.since = Instant::now();
    }

    /// Whether a thread that came back waits, and may go before those that compute.
    fn goes_first(&self) -> bool {
        !self.returning.is_empty() && self.credit > 0
    }

    /// Whether it may interrupt the holder, too: one that computes.
    fn may_interrupt(&self) -> bool {
        self.goes_first() && self.holder.is_some_and(|holder| !holder.first)
    }

    /// Accounts for the time since the holder took the lock; returns it.
    fn account(&mut self, interval: Duration) -> Duration {
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let held = self.since.elapsed();
        if self.holder.is_some_and(|holder| holder.first) {
            self.credit = self.credit.saturating_sub(nanos(held));
        } else {
            // What was saved long ago doesn't count: nobody may hold the lock for long because of it.
            self.credit = self
                .credit
                .saturating_add(nanos(held))
                .min(nanos(interval).max(1));
        }
        held
    }

    /// Chooses the next holder.
    fn pass_on(&mut self) {
        let first = self.goes_first() || self.computing.is_empty();
        let queue = if first {
            &mut self.returning
        } else {
            &mut self.computing
        };
        match queue.pop_front() {
            Some(waiter) => self.hold(Holder { waiter, first }),
            None => self.holder = None,
        }
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
        self.lock.requested.load(Ordering::Relaxed) && self.lock.switch()
    }

    /// Gives the lock up, runs `work`, takes the lock back, and returns what `work` returned.
    ///
    /// A thread that comes back requests the lock at once and goes ahead of every thread that computes, so it waits
    /// only for the next safe point. Threads that compute still get at least half of the time, however often others
    /// come back, and no thread waits forever. A panic in `work` is handled as in step 3.
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        struct TakeBack<'a>(&'a IoFirst);
        impl Drop for TakeBack<'_> {
            fn drop(&mut self) {
                self.0.take(true);
            }
        }
        self.lock.release();
        let _back = TakeBack(self.lock);
        work()
    }
}

impl Drop for IoFirstGuard<'_> {
    fn drop(&mut self) {
        self.lock.release();
    }
}
