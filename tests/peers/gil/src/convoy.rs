//! A thread that serves 200 requests a second beside four that compute. The requests come when they are due, answered or not:
//! one that is never answered has waited until the end.

use crate::report::{Peer, Row};
use crate::{Python, plain};
use gil::io_first::IoFirst;
use gil::switching::Gil;
use std::hint::black_box;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(5);
const THREADS: usize = 4;
const REQUESTS: usize = 600;
const EVERY: Duration = Duration::from_millis(5); // 200 a second
/// The requests take 3 s; those that come in time are answered by then.
const SERVED: Duration = Duration::from_millis(3200);
const ROUNDS: usize = 5;

/// What one run showed: latencies in milliseconds, and how much the threads that compute did in a second.
struct Served {
    latencies: Vec<f64>,
    progress: f64,
}

impl Served {
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * percent / 100]
    }
}

/// CLOCK_MONOTONIC, which Python's `time.monotonic_ns` reads too.
fn monotonic() -> i64 {
    static ORIGIN: std::sync::OnceLock<(Instant, i64)> = std::sync::OnceLock::new();
    let (instant, nanos) = ORIGIN.get_or_init(|| {
        // `Instant` is CLOCK_MONOTONIC and prints its parts; std has no other way to the number.
        let text = format!("{:?}", Instant::now());
        let number = |key: &str| -> i64 {
            let rest = text.split(key).nth(1).unwrap_or_default();
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .unwrap_or(0)
        };
        (
            Instant::now(),
            number("tv_sec: ") * 1_000_000_000 + number("tv_nsec: "),
        )
    });
    nanos + i64::try_from(instant.elapsed().as_nanos()).unwrap_or(0)
}

/// Sends each request when it is due, whatever became of those before it.
fn send(mut pipe: PipeWriter) {
    let start = Instant::now() + Duration::from_millis(50);
    for request in 0..REQUESTS {
        // Not a multiple of the interval, or all requests would meet the same moment of a slice.
        let due =
            start + EVERY * request as u32 + Duration::from_micros((request as u64 * 7919) % 4001);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let late = Instant::now().saturating_duration_since(due);
        let stamp = monotonic() - i64::try_from(late.as_nanos()).unwrap_or(0);
        if pipe.write_all(&stamp.to_ne_bytes()).is_err() {
            return;
        }
    }
}

/// A lock that both policies have: what a thread does that computes, and what one does that serves.
trait Policy: Sync {
    fn compute(&self, stop: &AtomicBool, count: &AtomicU64);
    fn serve(&self, requests: PipeReader) -> Vec<f64>;
}

macro_rules! policy {
    ($lock:ty) => {
        impl Policy for $lock {
            fn compute(&self, stop: &AtomicBool, count: &AtomicU64) {
                let mut guard = self.acquire();
                while !stop.load(Relaxed) {
                    for n in 0..20 {
                        black_box(n);
                    }
                    count.fetch_add(1, Relaxed);
                    guard.safe_point();
                }
            }

            fn serve(&self, mut requests: PipeReader) -> Vec<f64> {
                let mut latencies = Vec::new();
                let mut stamp = [0; 8];
                let waited = |stamp| (monotonic() - i64::from_ne_bytes(stamp)) as f64 / 1e6;
                let mut guard = self.acquire();
                let end = Instant::now() + SERVED;
                while Instant::now() < end
                    && guard
                        .allow_threads(|| requests.read_exact(&mut stamp))
                        .is_ok()
                {
                    latencies.push(waited(stamp));
                }
                drop(guard);
                while requests.read_exact(&mut stamp).is_ok() {
                    latencies.push(waited(stamp));
                }
                latencies
            }
        }
    };
}

policy!(Gil);
policy!(IoFirst);

fn run(lock: &impl Policy, with_requests: bool) -> Served {
    let stop = AtomicBool::new(false);
    let counts = [const { AtomicU64::new(0) }; THREADS];
    thread::scope(|scope| {
        for count in &counts {
            scope.spawn(|| lock.compute(&stop, count));
        }
        let start = Instant::now();
        let latencies = if with_requests {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            scope.spawn(|| send(writer));
            scope.spawn(|| lock.serve(reader)).join().expect("no panic")
        } else {
            thread::sleep(Duration::from_secs(3));
            Vec::new()
        };
        let seconds = start.elapsed().as_secs_f64();
        stop.store(true, Relaxed);
        let done: u64 = counts.iter().map(|count| count.load(Relaxed)).sum();
        Served {
            latencies,
            progress: done as f64 / seconds,
        }
    })
}

fn python_serves(python: &Python, with_requests: bool) -> Served {
    let seconds = if with_requests {
        SERVED.as_secs_f64()
    } else {
        0.0
    };
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = python.command(&["serve", &THREADS.to_string(), &seconds.to_string()]);
    let mut child = command
        .stdin(reader)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    drop(command); // and with it our end of the pipe
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("python is ready");
    let sender = with_requests.then(|| thread::spawn(|| send(writer))); // otherwise it is closed
    let mut answer = String::new();
    output.read_line(&mut answer).expect("python answers");
    child.wait().expect("python ends");
    if let Some(sender) = sender {
        sender.join().expect("no panic");
    }
    let value: serde_json::Value = serde_json::from_str(&answer).expect("python prints JSON");
    let latencies = value["latencies"].as_array().expect("a list");
    Served {
        latencies: latencies
            .iter()
            .filter_map(|nanos| Some(nanos.as_f64()? / 1e6))
            .collect(),
        progress: value["progress"].as_f64().expect("a number"),
    }
}

pub fn rows(python: &Python, name: &str) -> Vec<Row> {
    let mut median = [const { Vec::new() }; 3];
    let mut p99 = [const { Vec::new() }; 3];
    let mut kept = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let (first, turns) = (IoFirst::new(INTERVAL), Gil::new(INTERVAL));
        let alone = [
            run(&first, false),
            run(&turns, false),
            python_serves(python, false),
        ];
        let served = [
            run(&first, true),
            run(&turns, true),
            python_serves(python, true),
        ];
        for (place, (served, alone)) in served.iter().zip(&alone).enumerate() {
            median[place].push(served.percentile(50));
            p99[place].push(served.percentile(99));
            kept[place].push(served.progress / alone.progress * 100.0);
        }
    }
    let row = |id, what: &str, unit, less, samples: [Vec<f64>; 3], goal, extra: Vec<Peer>| {
        let [ours, turns, theirs] = samples;
        let mut peers = vec![
            Peer {
                name: name.into(),
                samples: theirs,
                goal,
            },
            plain("Gil of step 2", turns),
        ];
        peers.extend(extra);
        Row {
            id,
            what: what.into(),
            unit,
            less,
            ours: ("IoFirst", ours),
            peers,
            note: String::new(),
        }
    };
    let alone = Peer {
        name: "no requests".into(),
        samples: vec![100.0; ROUNDS],
        goal: Some(("at least 85 %", 0.85..=f64::INFINITY)),
    };
    vec![
        row(
            "convoy_p50",
            "200 requests a second beside four threads that compute: median latency",
            "ms",
            true,
            median,
            Some(("a hundredth", 0.0..=0.01)),
            Vec::new(),
        ),
        row(
            "convoy_p99",
            "the same: 99th percentile",
            "ms",
            true,
            p99,
            None,
            Vec::new(),
        ),
        row(
            "convoy_progress",
            "the same: what the four do, of what they do with no requests",
            "%",
            false,
            kept,
            None,
            vec![alone],
        ),
    ]
}
