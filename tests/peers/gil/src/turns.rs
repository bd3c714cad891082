//! Threads that compute: how often the lock changes hands, how long a thread waits, who gets how much.

use crate::Python;
use crate::report::{Peer, Row, quartiles};
use gil::switching::Gil;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// When a thread held the lock, in nanoseconds.
type Slices = Vec<(i64, i64)>;

/// The same as `compute` in `peer.py`.
fn compute(threads: usize, length: Duration, interval: Duration) -> Vec<Slices> {
    let gil = Gil::new(interval);
    let barrier = Barrier::new(threads);
    let epoch = Instant::now();
    let clock = || i64::try_from(epoch.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let least = i64::try_from(interval.as_nanos() / 2).unwrap_or(i64::MAX);
    let run = || {
        let mut slices = Slices::new();
        barrier.wait();
        let mut guard = gil.acquire();
        let mut begin = clock();
        let (mut last, end) = (
            begin,
            begin + i64::try_from(length.as_nanos()).unwrap_or(i64::MAX),
        );
        while last < end {
            for n in 0..20 {
                black_box(n); // about what a few bytecodes take
            }
            guard.safe_point();
            let now = clock();
            if now - last > least {
                slices.push((begin, last));
                begin = now;
            }
            last = now;
        }
        slices.push((begin, last));
        slices
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

fn python_computes(
    python: &Python,
    threads: usize,
    length: Duration,
    interval: Duration,
) -> Vec<Slices> {
    let [length, interval] = [length, interval].map(|time| time.as_secs_f64().to_string());
    let slices = python.ask(&["compute", &threads.to_string(), &length, &interval]);
    serde_json::from_value(slices).expect("lists of pairs")
}

/// A gap in which no other thread held the lock is the kernel's doing: it ran another process. What lies on both sides of it is
/// one slice.
fn merged(slices: Vec<Slices>) -> Vec<Slices> {
    let held_between = |thread: usize, from: i64, to: i64| {
        let others = slices
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != thread);
        others
            .flat_map(|(_, slices)| slices)
            .any(|slice| slice.0 < to && slice.1 > from)
    };
    let merge = |(thread, mine): (usize, &Slices)| {
        let mut merged = Slices::new();
        for slice in mine {
            match merged.last_mut() {
                Some(last) if !held_between(thread, last.1, slice.0) => last.1 = slice.1,
                _ => merged.push(*slice),
            }
        }
        merged
    };
    slices.iter().enumerate().map(merge).collect()
}

/// How often the lock changed hands in a second: while all threads computed.
fn switches(slices: &[Slices]) -> f64 {
    let begin = slices.iter().map(|s| s[0].0).max().unwrap_or(0);
    let end = slices.iter().map(|s| s[s.len() - 1].1).min().unwrap_or(0);
    let within = slices
        .iter()
        .flatten()
        .filter(|slice| slice.0 > begin && slice.0 <= end);
    within.count() as f64 / ((end - begin) as f64 / 1e9)
}

/// The longest time without the lock, in milliseconds.
fn worst_gap(slices: &[Slices]) -> f64 {
    let gaps = slices
        .iter()
        .flat_map(|s| s.windows(2).map(|pair| pair[1].0 - pair[0].1));
    gaps.max().unwrap_or(0) as f64 / 1e6
}

/// The length that all but a twentieth of the slices have at least, in milliseconds. The first and the last of a thread don't
/// count: they began before the measurement, or were cut off by its end.
fn short_slice(slices: &[Slices]) -> f64 {
    let mut lengths: Vec<i64> = slices
        .iter()
        .flat_map(|s| {
            s.iter()
                .skip(1)
                .rev()
                .skip(1)
                .map(|slice| slice.1 - slice.0)
        })
        .collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 20).copied().unwrap_or(0) as f64 / 1e6
}

/// Jain's index of fairness over the time that each thread held the lock: 1 when all had the same.
fn jain(slices: &[Slices]) -> f64 {
    let held: Vec<f64> = slices
        .iter()
        .map(|s| s.iter().map(|slice| (slice.1 - slice.0) as f64).sum())
        .collect();
    let (sum, squares) = (
        held.iter().sum::<f64>(),
        held.iter().map(|h| h * h).sum::<f64>(),
    );
    sum * sum / (held.len() as f64 * squares)
}

pub fn rows(python: &Python, name: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (id, micros, what) in [
        (
            "switches_100us",
            100,
            "switches a second, two threads, interval 0.1 ms",
        ),
        (
            "switches_1ms",
            1000,
            "switches a second, two threads, interval 1 ms",
        ),
        (
            "switches_5ms",
            5000,
            "switches a second, two threads, interval 5 ms",
        ),
    ] {
        let interval = Duration::from_micros(micros);
        let length = Duration::from_millis(1000);
        let [mut ours, mut again, mut theirs] = [const { Vec::new() }; 3];
        for _ in 0..7 {
            ours.push(switches(&merged(compute(2, length, interval))));
            theirs.push(switches(&merged(python_computes(
                python, 2, length, interval,
            ))));
            again.push(switches(&merged(compute(2, length, interval))));
        }
        let same = quartiles(&again)[1] / quartiles(&ours)[1];
        rows.push(Row {
            id,
            what: what.into(),
            unit: "a second",
            less: false,
            ours: ("Gil", ours),
            peers: vec![Peer {
                name: name.into(),
                samples: theirs,
                goal: Some(("within 10 %", 0.9..=1.1)),
            }],
            note: format!("A/A: ratio {same:.2}."),
        });
    }
    let interval = Duration::from_millis(5);
    let length = Duration::from_secs(5);
    let mut ours: [Vec<f64>; 3] = [const { Vec::new() }; 3];
    let mut theirs: [Vec<f64>; 3] = [const { Vec::new() }; 3];
    for _ in 0..5 {
        for (samples, slices) in [
            (&mut ours, compute(8, length, interval)),
            (&mut theirs, python_computes(python, 8, length, interval)),
        ] {
            let slices = merged(slices);
            samples[0].push(worst_gap(&slices));
            samples[1].push(short_slice(&slices));
            samples[2].push(jain(&slices));
        }
    }
    let bound = 7.0 * 5.0;
    let [gap, slice, fairness] = ours;
    let [their_gap, their_slice, their_fairness] = theirs;
    let fixed = |what: f64| vec![what; gap.len()];
    let seven = Peer {
        name: "seven intervals".into(),
        samples: fixed(bound),
        goal: Some(("within 1.3 times", 0.0..=1.3)),
    };
    let interval = Peer {
        name: "the interval".into(),
        samples: fixed(5.0),
        goal: Some(("at least 0.9", 0.9..=f64::INFINITY)),
    };
    let fair = Peer {
        name: "all alike".into(),
        samples: fixed(1.0),
        goal: Some(("at least 0.99", 0.99..=1.001)),
    };
    let plain = |samples| crate::plain(name, samples);
    rows.push(Row {
        id: "worst_gap",
        what: "longest wait of a thread, eight threads, interval 5 ms, 5 s".into(),
        unit: "ms",
        less: true,
        peers: vec![seven, plain(their_gap)],
        ours: ("Gil", gap),
        note: String::new(),
    });
    rows.push(Row {
        id: "slices",
        what: "length of the short slices (5th percentile), eight threads, interval 5 ms".into(),
        unit: "ms",
        less: false,
        ours: ("Gil", slice),
        peers: vec![interval, plain(their_slice)],
        note: String::new(),
    });
    rows.push(Row {
        id: "jain",
        what: "Jain's index of the time with the lock, eight threads, 5 s".into(),
        unit: "",
        less: false,
        ours: ("Gil", fairness),
        peers: vec![fair, plain(their_fairness)],
        note: String::new(),
    });
    rows
}
