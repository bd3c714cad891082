//! Right: keeps the waiters in a queue, each with a condition variable of its own
//! Replaces: switching

use os::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering};
use os::time::{Duration, Instant};
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Gil {
    interval: Duration,
    state: Mutex<State>,
    requested: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    switches: u64,
    queue: VecDeque<Arc<Waiter>>,
}

#[derive(Debug, Default)]
struct Waiter {
    granted: AtomicBool,
    wake: Condvar,
}

impl Gil {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::default(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    pub(crate) fn take(&self) {
        let mut state = self.state.lock().unwrap();
        if !state.held {
            state.held = true;
            return;
        }
        let me = Arc::new(Waiter::default());
        state.queue.push_back(me.clone());
        let (mut seen, mut since) = (state.switches, Instant::now());
        while !me.granted.load(Ordering::Relaxed) {
            let left = self.interval.saturating_sub(since.elapsed());
            if left.is_zero() {
                // The switch may be older than this look: then the interval began with it, a little later.
                if state.switches == seen {
                    self.requested.store(true, Ordering::Relaxed);
                }
                (seen, since) = (state.switches, Instant::now());
                continue;
            }
            state = me.wake.wait_timeout(state, left).unwrap().0;
        }
    }

    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap();
        self.requested.store(false, Ordering::Relaxed);
        state.switches += 1;
        match state.queue.pop_front() {
            Some(next) => {
                next.granted.store(true, Ordering::Relaxed);
                next.wake.notify_one();
            }
            None => state.held = false,
        }
    }
}

#[must_use]
#[derive(Debug)]
pub struct GilGuard<'a> {
    pub(crate) gil: &'a Gil,
}

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        let requested = self.gil.requested.load(Ordering::Relaxed);
        if requested {
            self.gil.release();
            self.gil.take();
        }
        requested
    }
}

impl Drop for GilGuard<'_> {
    fn drop(&mut self) {
        self.gil.release();
    }
}
