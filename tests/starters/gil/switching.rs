//! Step 2: the lock changes hands.

use os::sync::{AtomicBool, Condvar, Mutex, Ordering};
use os::time::Duration;

/// A lock that its holder passes on when others wait, like CPython's GIL, but first come, first served.
///
/// The private fields are a suggestion: replace them if you like.
#[derive(Debug)]
pub struct Gil {
    /// The switch interval: `sys.getswitchinterval()`.
    interval: Duration,
    tickets: Mutex<Tickets>,
    /// Notified when the lock changes hands.
    switched: Condvar,
    /// Whether a waiter has requested the lock: CPython's `gil_drop_request`.
    requested: AtomicBool,
}

/// Tickets, as at a bakery's counter. The lock is free when the two numbers are equal.
#[derive(Debug)]
struct Tickets {
    /// The ticket that the next thread draws.
    next: u64,
    /// The ticket of the thread that holds the lock, or may take it.
    serving: u64,
}

impl Gil {
    /// Makes a lock that nobody holds, with this switch interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            tickets: Mutex::new(Tickets {
                next: 0,
                serving: 0,
            }),
            switched: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    /// Waits for the lock and returns its guard.
    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    /// Waits for the lock and takes it: CPython's `take_gil`.
    ///
    /// The thread that has waited longest gets the lock first. A waiting thread sleeps. When it has waited for
    /// one interval, and the lock stayed with the same holder meanwhile, it requests the lock.
    pub(crate) fn take(&self) {
        let tickets = self.tickets.lock().unwrap();
        let _ = (&self.switched, self.interval);
        todo!(
            "draw ticket {}, wait until it is served (now it is {}), and request the lock after an interval",
            tickets.next,
            tickets.serving
        )
    }

    /// Gives the lock up: CPython's `drop_gil`.
    ///
    /// The thread that has waited longest, if there is one, is woken and holds the lock from now on. It starts with
    /// no request: the old one was meant for the holder before it.
    pub(crate) fn release(&self) {
        todo!("serve the next ticket, forget the request, and wake those who wait")
    }
}

/// Exclusive use of what a [`Gil`] guards. Dropping it gives the lock up, even in a panic.
#[must_use = "the lock is given up at once when the guard is not kept"]
#[derive(Debug)]
pub struct GilGuard<'a> {
    pub(crate) gil: &'a Gil,
}

impl GilGuard<'_> {
    /// Passes the lock on if somebody requested it. The holder calls this wherever a switch does no harm.
    ///
    /// If there is a request, hands the lock to the thread that has waited longest, waits for its own turn behind
    /// every thread that already waits, and returns `true`: another thread has held the lock meanwhile. If there is
    /// none, keeps the lock and returns `false` at once.
    pub fn safe_point(&mut self) -> bool {
        let _ = self.gil.requested.load(Ordering::Relaxed);
        todo!(
            "if the lock was requested, pass it on and wait for your next turn; say whether it was"
        )
    }
}

impl Drop for GilGuard<'_> {
    fn drop(&mut self) {
        self.gil.release();
    }
}
