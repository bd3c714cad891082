//! Right: parks the waiters with a timeout, in a queue; the flag is changed under the mutex only
//! Replaces: switching

use os::sync::{Arc, AtomicBool, Mutex, Ordering};
use os::thread::{self, Thread};
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
    queue: VecDeque<(Thread, Arc<AtomicBool>)>,
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
        let mine = Arc::new(AtomicBool::new(false));
        let mut seen = {
            let mut state = self.state.lock().unwrap();
            if !state.held {
                state.held = true;
                return;
            }
            state.queue.push_back((thread::current(), mine.clone()));
            state.switches
        };
        let mut since = Instant::now();
        while !mine.load(Ordering::Acquire) {
            thread::park_timeout(self.interval.saturating_sub(since.elapsed()));
            let state = self.state.lock().unwrap();
            if since.elapsed() >= self.interval {
                if state.switches == seen && !mine.load(Ordering::Acquire) {
                    self.requested.store(true, Ordering::Relaxed);
                }
                (seen, since) = (state.switches, Instant::now());
            }
        }
    }

    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap();
        self.requested.store(false, Ordering::Relaxed);
        state.switches += 1;
        let Some((thread, granted)) = state.queue.pop_front() else {
            state.held = false;
            return;
        };
        granted.store(true, Ordering::Release);
        drop(state);
        thread.unpark();
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
