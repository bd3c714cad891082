//! Many schedules for one body.

use super::outcome::{Collector, Explored, Outcome};
use super::run::{self, Stopped};
use super::schedulers::{Hostile, Random, Strategy, run_under};
use crate::panics;
use serde::Serialize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs `body` under `schedules` schedules and collects what came out.
///
/// The first few are the same every time and systematically hostile; the others are random, chosen by `seed`.
/// Exploration ends early at a panic, a deadlock or an endless loop. `body` must build all that its threads share, so
/// that every run begins anew.
///
/// ```
/// use os_core::sync::{Arc, AtomicU64, Ordering::SeqCst};
/// let explored = os_core::model::explore(1, 200, || {
///     let counter = Arc::new(AtomicU64::new(0));
///     let theirs = counter.clone();
///     let thread = os_core::thread::spawn(move || theirs.store(theirs.load(SeqCst) + 1, SeqCst));
///     counter.store(counter.load(SeqCst) + 1, SeqCst);
///     thread.join().unwrap();
///     counter.load(SeqCst)
/// });
/// let mut totals: Vec<u64> = explored.outcomes.into_iter().map(|o| o.value.unwrap()).collect();
/// totals.sort();
/// assert_eq!(totals, [1, 2]); // under some schedules one addition is lost
/// ```
pub fn explore<T: Serialize + Send + 'static>(
    seed: u64,
    schedules: usize,
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Explored<T> {
    explore_until(seed, schedules, body, |_| ControlFlow::Continue(()))
}

/// Does what [`explore`] does, and asks `judge` after each schedule whether to go on. `judge` sees what came out of
/// that schedule, and how often the same came out before.
pub fn explore_until<T: Serialize + Send + 'static>(
    seed: u64,
    schedules: usize,
    body: impl Fn() -> T + Send + Sync + 'static,
    judge: impl FnMut(&Outcome<T>) -> ControlFlow<()> + Send + 'static,
) -> Explored<T> {
    let mut random = fastrand::Rng::with_seed(seed);
    let found = Arc::new(Mutex::new(Found {
        collector: Some(Collector::new()),
        judge,
        left: schedules,
        hostile: Hostile::ALL.iter(),
    }));
    let next = {
        let found = found.clone();
        move || -> Option<Box<dyn Strategy>> {
            let mut found = lock(&found);
            found.left = found.left.checked_sub(1)?;
            Some(match found.hostile.next() {
                Some(hostile) => hostile.strategy(),
                None => Box::new(Random::new(random.fork())),
            })
        }
    };
    let run = {
        let found = found.clone();
        move || {
            let value = run_main(&body);
            let ended = run::end();
            let value = match (value, &ended.failure) {
                (Some(value), None) => Ok(value),
                (_, Some(failure)) => Err(failure.clone()),
                (None, None) => unreachable!("a run without a value has failed"),
            };
            let found = &mut *lock(&found);
            let Some(collector) = &mut found.collector else {
                return;
            };
            let failed = value.is_err();
            let outcome = collector.add(value, &ended);
            if (found.judge)(outcome).is_break() || failed {
                found.left = 0;
            }
        }
    };
    run_under(next, run);
    let collector = lock(&found).collector.take();
    collector.expect("it is taken once").finish()
}

struct Found<T, J> {
    /// Taken at the end.
    collector: Option<Collector<T>>,
    judge: J,
    /// How many schedules are still to be run.
    left: usize,
    hostile: std::slice::Iter<'static, Hostile>,
}

/// Runs the body as `main`, until all threads of the run have ended. The run knows why there is no value.
pub(super) fn run_main<T>(body: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => {
            run::main_returned(false);
            Some(value)
        }
        Err(payload) => {
            if !payload.is::<Stopped>() {
                run::panicked(panics::describe(&*payload));
            }
            std::mem::forget(payload); // dropping it may panic
            run::main_returned(true);
            None
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
