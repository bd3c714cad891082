//! Runs that the tests of several locks have in common.

use crate::Gil;
use crate::cast::{Act, Rule};
use checks::{Explored, explore_schedules, random};
use os_core::model::{self, Time};
use os_core::sync::{Arc, AtomicU64, Ordering::Relaxed};
use os_core::thread;
use os_core::time::Duration;

/// How long a thread computes between two safe points, in microseconds.
pub const BURST: u64 = 1000;

/// An interval that never ends together with a burst.
pub fn interval() -> u64 {
    random().u64(2..6) * BURST + BURST / 2
}

/// Threads that arrive one after the other, 10 µs apart, and compute.
pub fn computing(threads: u64, bursts: u32) -> Vec<Vec<Act>> {
    (0..threads)
        .map(|thread| {
            let compute = Act::Compute(bursts, BURST);
            vec![Act::Until(10 * thread), Act::Acquire, compute, Act::Release]
        })
        .collect()
}

/// Intervals, one of them less than a millisecond and one of seconds, and how long a thread computes between two safe points.
pub fn other_intervals() -> [(u64, u64); 3] {
    let short = random().u64(2..9) * 100 + 50;
    let long = random().u64(11..40) * 100_000 + 50_000;
    [(interval(), BURST / 10), (short, 20), (long, 100_000)]
}

/// Two threads with safe points this far apart; the second one comes 10 µs later.
pub fn two_compute(burst: u64) -> Vec<Vec<Act>> {
    let compute = |arrival| {
        let compute = Act::Compute(70, burst);
        vec![Act::Until(arrival), Act::Acquire, compute, Act::Release]
    };
    vec![compute(0), compute(10)]
}

/// The lock is requested, and given up by dropping the guard; one more thread waits already.
pub fn requested_and_dropped(micros: u64) -> Vec<Vec<Act>> {
    let released = micros + BURST / 5;
    vec![
        vec![Act::Acquire, Act::Work(released), Act::Release],
        vec![
            Act::Until(10),
            Act::Acquire,
            Act::Compute(12, BURST),
            Act::Release,
        ],
        vec![
            Act::Until(released - 20),
            Act::Acquire,
            Act::Compute(2, BURST),
            Act::Release,
        ],
    ]
}

/// A drops the guard before its interval is over, and B computes from then on. C, which has waited since A's time, is due when it
/// has waited for an interval of B's: from the change of hands, or from the end of the interval that it had begun.
pub fn dropped_early(micros: u64) -> (Vec<Vec<Act>>, Vec<Rule>) {
    let dropped = micros - BURST / 4;
    let mut scripts = computing(3, 12);
    scripts[0] = vec![Act::Acquire, Act::Work(dropped), Act::Release];
    let due = Rule::Gets(2, 0, dropped + micros, 20 + 2 * micros + BURST);
    (scripts, vec![due, Rule::TellsTheTruth])
}

/// Two threads compute, and a third one gets in line at this moment.
pub fn a_newcomer(moment: u64) -> Vec<Vec<Act>> {
    let mut scripts = computing(2, 12);
    scripts.push(vec![
        Act::Until(moment),
        Act::Acquire,
        Act::Work(BURST),
        Act::Release,
    ]);
    scripts
}

/// One thread holds the lock, and more than 32 others come one after the other. Also when the last one is done.
pub fn in_a_long_line() -> (Vec<Vec<Act>>, u64) {
    let waiters = random().u64(34..40);
    let mut scripts = vec![vec![Act::Acquire, Act::Work(1000), Act::Release]];
    scripts.extend((1..=waiters).map(|waiter| {
        let arrives = Act::Until(10 * waiter);
        vec![arrives, Act::Acquire, Act::Work(5), Act::Release]
    }));
    (scripts, 1000 + 5 * waiters)
}

/// A thread holds one of two locks, whose intervals are 5 and 50 ms; a second one waits for it if `waits`. Meanwhile two more
/// take the other lock, and request it. What a safe point of the held one returns after 10 ms.
pub fn two_locks(
    new: impl Fn(Duration) -> Arc<dyn Gil> + Send + Sync + 'static,
    held: usize,
    waits: bool,
) -> Explored<bool> {
    explore_schedules(12, move || {
        model::set_time(Time::Virtual);
        let locks = [5, 50].map(|interval| new(Duration::from_millis(interval)));
        let mut guard = locks[held].acquire();
        let takes = |lock: &Arc<dyn Gil>, arrival, millis| {
            let lock = lock.clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(arrival));
                let _guard = lock.acquire();
                thread::sleep(Duration::from_millis(millis));
            })
        };
        let others = [0, 1].map(|arrival| takes(&locks[1 - held], arrival, 70));
        let waiter = waits.then(|| takes(&locks[held], 0, 1));
        thread::sleep(Duration::from_millis(10));
        let switched = guard.safe_point();
        for other in others {
            other.join().expect("the other lock is given up");
        }
        drop(guard);
        if let Some(waiter) = waiter {
            waiter.join().expect("this lock is given up, too");
        }
        switched
    })
}

/// On threads of the kernel, so many of them: how many additions were counted, each in two steps under the lock.
pub fn count_in_a_plain_run(gil: Arc<dyn Gil>, threads: u64, additions: u64) -> u64 {
    let shared = Arc::new((gil, AtomicU64::new(0)));
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut guard = shared.0.acquire();
                for n in 0..additions {
                    if n % 10 == 0 {
                        drop(guard);
                        guard = shared.0.acquire();
                    }
                    let seen = shared.1.load(Relaxed);
                    std::hint::spin_loop();
                    shared.1.store(seen + 1, Relaxed);
                    guard.safe_point();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("adding does not panic");
    }
    shared.1.load(Relaxed)
}

/// A computes for so long without a safe point, then B as long. B waits for A, and C for both.
pub fn long_wait(micros: u64) -> Vec<Vec<Act>> {
    vec![
        vec![Act::Acquire, Act::Work(micros), Act::Release],
        vec![
            Act::Until(10),
            Act::Acquire,
            Act::Work(micros),
            Act::Release,
        ],
        vec![Act::Until(20), Act::Acquire, Act::Release],
    ]
}

/// Fails the test when B or C took many steps in its [`long_wait`], of so many intervals for B and twice as many for C.
pub fn expect_sleep(explored: &Explored<Option<String>>, intervals: u64) {
    for steps in explored.passing(&None) {
        for (waiter, intervals) in [("B", intervals), ("C", 2 * intervals)] {
            let s = if intervals == 1 { "" } else { "s" };
            let count = steps
                .iter()
                .filter(|step| step.thread == waiter && step.op.is_access())
                .count();
            assert!(
                count as u64 <= 30 * intervals,
                "{waiter} waited for the lock for {intervals} interval{s}, and took {count} steps meanwhile."
            );
        }
    }
}
