//! Wrong: requests the lock when its holder has had it for an interval, however short the wait was
//! Replaces: switching
//! Fails: switching::the_holder_keeps_the_lock_for_an_interval
//! Section: gil/exercise.md#ask-after-an-interval

use os::sync::{AtomicBool, Condvar, Mutex, Ordering};
use os::time::{Duration, Instant};

#[derive(Debug)]
pub struct Gil {
    interval: Duration,
    tickets: Mutex<Tickets>,
    switched: Condvar,
    requested: AtomicBool,
}

#[derive(Debug)]
struct Tickets {
    next: u64,
    serving: u64,
    since: Option<Instant>,
}

impl Gil {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            tickets: Mutex::new(Tickets {
                next: 0,
                serving: 0,
                since: None,
            }),
            switched: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    pub(crate) fn take(&self) {
        let mut tickets = self.tickets.lock().unwrap();
        let mine = tickets.next;
        tickets.next += 1;
        if tickets.serving == mine {
            tickets.since = Some(Instant::now());
        }
        while tickets.serving != mine {
            let begun = tickets.since.unwrap_or_else(Instant::now);
            let left = self.interval.saturating_sub(begun.elapsed());
            if left.is_zero() {
                self.requested.store(true, Ordering::Relaxed);
                tickets = self
                    .switched
                    .wait_timeout(tickets, self.interval)
                    .unwrap()
                    .0;
            } else {
                tickets = self.switched.wait_timeout(tickets, left).unwrap().0;
            }
        }
    }

    pub(crate) fn release(&self) {
        let mut tickets = self.tickets.lock().unwrap();
        tickets.serving += 1;
        tickets.since = Some(Instant::now());
        self.requested.store(false, Ordering::Relaxed);
        self.switched.notify_all();
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
