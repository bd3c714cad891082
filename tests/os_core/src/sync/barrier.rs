//! A point where threads wait for each other.

use super::{Condvar, Mutex};
use std::fmt;
use std::sync::PoisonError;

/// A point where a number of threads wait until all have come, as [`std::sync::Barrier`].
pub struct Barrier {
    /// How many have come, and how often all have.
    state: Mutex<(usize, usize)>,
    all: Condvar,
    threads: usize,
}

/// Says which of the threads came last.
#[derive(Debug)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this thread came last. Exactly one did.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl Barrier {
    /// A barrier for so many threads.
    #[must_use]
    pub const fn new(threads: usize) -> Self {
        Self {
            state: Mutex::new((0, 0)),
            all: Condvar::new(),
            threads,
        }
    }

    /// Waits until as many threads as the barrier is for wait here.
    pub fn wait(&self) -> BarrierWaitResult {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let round = state.1;
        state.0 += 1;
        if state.0 >= self.threads {
            *state = (0, round.wrapping_add(1));
            self.all.notify_all();
            return BarrierWaitResult(true);
        }
        let _state = self
            .all
            .wait_while(state, |(_, now)| *now == round)
            .unwrap_or_else(PoisonError::into_inner);
        BarrierWaitResult(false)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}
