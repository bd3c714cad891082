//! Right: keeps a queue of parked threads, and hands the lock to the first
//! Replaces: lock

use os::sync::{Arc, AtomicBool, Mutex, Ordering};
use os::thread::{self, Thread};
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub struct Lock {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    queue: VecDeque<(Thread, Arc<AtomicBool>)>,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mine = Arc::new(AtomicBool::new(false));
        let mut state = self.state.lock().unwrap();
        if state.held {
            state.queue.push_back((thread::current(), mine.clone()));
            drop(state);
            while !mine.load(Ordering::Acquire) {
                thread::park();
            }
        } else {
            state.held = true;
        }
        Guard { lock: self }
    }
}

#[must_use]
#[derive(Debug)]
pub struct Guard<'a> {
    lock: &'a Lock,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut state = self.lock.state.lock().unwrap();
        match state.queue.pop_front() {
            Some((thread, granted)) => {
                granted.store(true, Ordering::Release);
                thread.unpark();
            }
            None => state.held = false,
        }
    }
}
