//! Right: parks the waiters in one map, sorted by who is next; adds up all time that was ever held, without a limit to what is saved
//! Replaces: io_first

use os::sync::{Arc, AtomicBool, Mutex, Ordering};
use os::thread::{self, Thread};
use os::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Back(u64),
    Interrupted,
    Computes(u64),
}

#[derive(Debug)]
struct Waiter {
    thread: Thread,
    granted: Arc<AtomicBool>,
    left: Duration,
}

#[derive(Debug)]
struct Turn {
    first: bool,
    since: Instant,
    left: Duration,
}

#[derive(Debug, Default)]
struct State {
    turn: Option<Turn>,
    waiting: BTreeMap<Rank, Waiter>,
    arrivals: u64,
    computed: Duration,
    ahead: Duration,
}

#[derive(Debug)]
pub struct IoFirst {
    interval: Duration,
    state: Mutex<State>,
    requested: AtomicBool,
}

impl State {
    fn next(&self) -> Option<Rank> {
        let ranks = || self.waiting.keys().copied();
        let may_go_first = self.ahead <= self.computed;
        ranks()
            .find(|rank| may_go_first || !matches!(rank, Rank::Back(_)))
            .or_else(|| ranks().next())
    }

    fn arrive(&mut self, rank: impl FnOnce(u64) -> Rank, left: Duration) -> Arc<AtomicBool> {
        self.arrivals += 1;
        let granted = Arc::new(AtomicBool::new(false));
        let waiter = Waiter {
            thread: thread::current(),
            granted: granted.clone(),
            left,
        };
        self.waiting.insert(rank(self.arrivals), waiter);
        granted
    }
}

impl IoFirst {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::default(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> IoFirstGuard<'_> {
        self.take(Rank::Computes);
        IoFirstGuard { lock: self }
    }

    fn take(&self, rank: fn(u64) -> Rank) {
        let mut state = self.state.lock().unwrap();
        let is_back = matches!(rank(0), Rank::Back(_));
        if state.turn.is_none() {
            state.turn = Some(Turn {
                first: is_back,
                since: Instant::now(),
                left: self.interval,
            });
            return;
        }
        let granted = state.arrive(rank, self.interval);
        let computes = state.turn.as_ref().is_some_and(|turn| !turn.first);
        if is_back && computes && state.ahead <= state.computed {
            self.requested.store(true, Ordering::Relaxed);
        }
        drop(state);
        self.wait(&granted);
    }

    fn wait(&self, granted: &AtomicBool) {
        while !granted.load(Ordering::Acquire) {
            let left = {
                let state = self.state.lock().unwrap();
                let Some(turn) = &state.turn else { continue };
                if granted.load(Ordering::Acquire) {
                    return;
                }
                let left = turn.left.saturating_sub(turn.since.elapsed());
                if left.is_zero() {
                    self.requested.store(true, Ordering::Relaxed);
                }
                left
            };
            match left.is_zero() {
                true => thread::park(),
                false => thread::park_timeout(left),
            }
        }
    }

    /// Ends the turn. Whoever passes the lock on stands in line by `again` before the next one is chosen.
    fn end_turn(&self, passes_on: bool) -> Option<Arc<AtomicBool>> {
        let mut state = self.state.lock().unwrap();
        let turn = state.turn.take().expect("this thread has the lock");
        let held = turn.since.elapsed();
        match turn.first {
            true => state.ahead += held,
            false => state.computed += held,
        }
        self.requested.store(false, Ordering::Relaxed);
        // Chosen before this thread is in line itself.
        let next = state.next();
        let is_too_early = matches!(next, Some(Rank::Back(_))) && state.ahead > state.computed;
        if passes_on && !turn.first && is_too_early {
            state.turn = Some(Turn {
                first: false,
                since: Instant::now(),
                left: self.interval,
            });
            state.waiting.values().for_each(|w| w.thread.unpark());
            return None;
        }
        let again = passes_on.then(|| {
            let rest = turn.left.saturating_sub(held);
            let interrupted = matches!(next, Some(Rank::Back(_))) && !turn.first && !rest.is_zero();
            match interrupted {
                true => state.arrive(|_| Rank::Interrupted, rest),
                false => state.arrive(Rank::Computes, self.interval),
            }
        });
        let next = next.or_else(|| state.next());
        if let Some((rank, waiter)) = next.and_then(|rank| state.waiting.remove_entry(&rank)) {
            state.turn = Some(Turn {
                first: matches!(rank, Rank::Back(_)),
                since: Instant::now(),
                left: waiter.left,
            });
            waiter.granted.store(true, Ordering::Release);
            // Those that wait have a new deadline, and one of them may be the next to go first.
            if !matches!(rank, Rank::Back(_)) && matches!(state.next(), Some(Rank::Back(_))) {
                self.requested.store(true, Ordering::Relaxed);
            }
            let others: Vec<Thread> = state.waiting.values().map(|w| w.thread.clone()).collect();
            drop(state);
            waiter.thread.unpark();
            others.iter().for_each(Thread::unpark);
        }
        again
    }
}

#[must_use]
#[derive(Debug)]
pub struct IoFirstGuard<'a> {
    lock: &'a IoFirst,
}

impl IoFirstGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.lock.requested.load(Ordering::Relaxed) {
            return false;
        }
        let Some(granted) = self.lock.end_turn(true) else {
            return false;
        };
        self.lock.wait(&granted);
        true
    }

    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.lock.end_turn(false);
        let result = catch_unwind(AssertUnwindSafe(work));
        self.lock.take(Rank::Back);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for IoFirstGuard<'_> {
    fn drop(&mut self) {
        self.lock.end_turn(false);
    }
}
