//! Right: notes when the lock was taken, and the first waiter asks when that was an interval ago
//! Replaces: switching

use os::sync::{AtomicBool, Condvar, Mutex, Ordering};
use os::time::{Duration, Instant};

#[derive(Debug)]
pub struct Gil {
    interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
    requested: AtomicBool,
}

#[derive(Debug)]
struct State {
    next: u64,
    serving: u64,
    since: Instant,
}

impl Gil {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::new(State {
                next: 0,
                serving: 0,
                since: Instant::now(),
            }),
            changed: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    pub(crate) fn take(&self) {
        let mut state = self.state.lock().unwrap();
        let mine = state.next;
        let mut begin = Instant::now();
        state.next += 1;
        let mut seen = state.serving;
        while state.serving != mine {
            if state.serving != seen {
                seen = state.serving;
                begin = state.since;
            }
            let waited = begin.elapsed();
            if waited >= self.interval {
                self.requested.store(true, Ordering::SeqCst);
                state = self.changed.wait_timeout(state, self.interval).unwrap().0;
            } else {
                let left = self.interval - waited;
                state = self.changed.wait_timeout(state, left).unwrap().0;
            }
        }
        state.since = Instant::now();
    }

    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap();
        state.serving += 1;
        state.since = Instant::now();
        self.requested.store(false, Ordering::SeqCst);
        drop(state);
        self.changed.notify_all();
    }
}

#[must_use]
#[derive(Debug)]
pub struct GilGuard<'a> {
    pub(crate) gil: &'a Gil,
}

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::SeqCst) {
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
