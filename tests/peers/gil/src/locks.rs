//! Take and give up: nobody else wants the lock, or one other thread does.

use crate::report::{Peer, Row, quartiles};
use crate::{Python, plain, two_atomics};
use gil::lock::Lock;
use gil::switching::Gil;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 15;

/// Nanoseconds for one call of `section`.
fn alone(section: &mut dyn FnMut()) -> f64 {
    const TIMES: u32 = 200_000;
    for _ in 0..TIMES / 10 {
        section();
    }
    let start = Instant::now();
    for _ in 0..TIMES {
        section();
    }
    start.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// Thousands of calls of `section` in a second, by two threads together.
fn together(section: &(dyn Fn() + Sync)) -> f64 {
    const TIMES: u32 = 20_000;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..TIMES).for_each(|_| section()));
        }
    });
    2.0 * f64::from(TIMES) / start.elapsed().as_secs_f64() / 1000.0
}

pub fn rows(python: &Python, name: &str) -> Vec<Row> {
    let interval = Duration::from_millis(5);
    let (lock, gil, fast) = (
        Lock::new(),
        Gil::new(interval),
        two_atomics::Gil::new(interval),
    );
    let std = std::sync::Mutex::new(());
    let (unfair, fair) = (parking_lot::Mutex::new(()), parking_lot::Mutex::new(()));
    let take_lock = || drop(lock.acquire());
    let take_gil = || drop(gil.acquire());
    let take_fast = || drop(fast.acquire());
    let take_std = || drop(black_box(std.lock()));
    let take_unfair = || drop(black_box(unfair.lock()));
    let take_fair = || parking_lot::MutexGuard::unlock_fair(black_box(fair.lock()));
    let sections: [&(dyn Fn() + Sync); 7] = [
        &take_gil,
        &take_gil,
        &take_fast,
        &take_lock,
        &take_std,
        &take_unfair,
        &take_fair,
    ];

    let mut samples = [const { Vec::new() }; 7];
    let (mut cpython, mut one_thread, mut safe_points) = (Vec::new(), Vec::new(), Vec::new());
    let mut contended = [const { Vec::new() }; 7];
    for round in 0..ROUNDS {
        for (samples, section) in samples.iter_mut().zip(sections) {
            samples.push(alone(&mut || section()));
        }
        let mut guard = gil.acquire();
        safe_points.push(alone(&mut || _ = black_box(guard.safe_point())));
        drop(guard);
        let answer = python.ask(&["uncontended"]);
        cpython.push(answer[0].as_f64().expect("a number"));
        one_thread.push(answer[1].as_f64().expect("a number"));
        if round < 7 {
            for (samples, section) in contended.iter_mut().zip(sections) {
                samples.push(together(section));
            }
        }
    }
    let [gils, again, fast, locks, std, unfair, fair] = samples;
    let same = quartiles(&again)[1] / quartiles(&gils)[1];
    let fast_ratio = quartiles(
        &fast
            .iter()
            .zip(&cpython)
            .map(|(ours, theirs)| ours / theirs)
            .collect::<Vec<_>>(),
    )[1];
    let note = format!(
        "A/A: the same lock measured twice in each round, ratio {same:.2}. The reference locks its mutex twice. A right answer that \
         touches it only when somebody waits takes {fast_ratio:.2} of CPython's time."
    );
    let [c_gils, _, c_fast, c_locks, c_std, c_unfair, c_fair] = contended;
    vec![
        Row {
            id: "uncontended",
            what: "take and give up a lock that nobody else wants".into(),
            unit: "ns",
            less: true,
            ours: ("Gil", gils),
            peers: vec![
                Peer { name: name.into(), samples: cpython, goal: Some(("half its time", 0.0..=0.5)) },
                plain("CPython with a single thread", one_thread),
                plain("a Gil that counts who is interested", fast),
                plain("Lock of step 1", locks),
                plain("std::sync::Mutex", std),
                plain("parking_lot::Mutex", unfair),
                plain("parking_lot, unlock_fair", fair),
            ],
            note,
        },
        Row {
            id: "safe_point",
            what: "a safe point with no request".into(),
            unit: "ns",
            less: true,
            ours: ("Gil", safe_points),
            peers: Vec::new(),
            note: String::new(),
        },
        Row {
            id: "contended",
            what: "two threads take and give up one lock, as often as they can".into(),
            unit: "thousands a second",
            less: false,
            ours: ("Gil", c_gils),
            peers: vec![
                plain("a Gil that counts who is interested", c_fast),
                plain("Lock of step 1", c_locks),
                plain("std::sync::Mutex", c_std),
                plain("parking_lot::Mutex", c_unfair),
                plain("parking_lot, unlock_fair", c_fair),
            ],
            note: "First come, first served switches threads at every hand-off; the unfair locks let the running one go on.".into(),
        },
    ]
}
