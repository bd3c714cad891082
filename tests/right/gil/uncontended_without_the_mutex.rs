//! Right: counts who is interested, and touches the mutex only if that is more than one thread
//! Replaces: switching

use os::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, PoisonError};
use os::time::Duration;

#[derive(Debug)]
pub struct Gil {
    interval: Duration,
    /// How many threads hold the lock or wait for it. While it goes from 0 to 1 and back, that is all there is to do.
    interested: AtomicUsize,
    tickets: Mutex<Tickets>,
    switched: Condvar,
    requested: AtomicBool,
}

/// Tickets for those who wait.
#[derive(Debug)]
struct Tickets {
    next: u64,
    /// How often the lock was handed over: it is the turn of every ticket below.
    served: u64,
}

impl Gil {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            interested: AtomicUsize::new(0),
            tickets: Mutex::new(Tickets { next: 0, served: 0 }),
            switched: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    pub(crate) fn take(&self) {
        if self.interested.fetch_add(1, Ordering::Acquire) > 0 {
            self.wait();
        }
    }

    #[cold]
    fn wait(&self) {
        let mut tickets = self.tickets();
        let mine = tickets.next;
        tickets.next += 1;
        while tickets.served <= mine {
            let served = tickets.served;
            let (guard, result) = self
                .switched
                .wait_timeout(tickets, self.interval)
                .unwrap_or_else(PoisonError::into_inner);
            tickets = guard;
            if result.timed_out() && tickets.served == served {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn release(&self) {
        // With nobody else interested there is no waiter, and so no request.
        if self.interested.fetch_sub(1, Ordering::Release) > 1 {
            self.hand_over();
        }
    }

    #[cold]
    fn hand_over(&self) {
        let mut tickets = self.tickets();
        tickets.served += 1; // also before the thread that it's for has drawn its ticket
        self.requested.store(false, Ordering::Relaxed);
        drop(tickets);
        self.switched.notify_all();
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[must_use = "the lock is given up at once when the guard is not kept"]
#[derive(Debug)]
pub struct GilGuard<'a> {
    pub(crate) gil: &'a Gil,
}

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::Relaxed) {
            return false;
        }
        self.gil.release();
        self.gil.take();
        true
    }
}

impl Drop for GilGuard<'_> {
    fn drop(&mut self) {
        self.gil.release();
    }
}
