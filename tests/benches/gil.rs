//! Benchmark of the chapter "The GIL": what a lock costs, and what being fair costs.
//!
//! `cargo bench --features bench` in `exercises/gil` measures your code, in `solutions/gil` the reference. Three groups:
//!
//! - `uncontended`: take and give up a lock that nobody else wants: your `Lock` and your `Gil` beside
//!   `std::sync::Mutex`. And a safe point with no request, which an interpreter passes all the time.
//! - `contended`: two threads take and give up one lock 2 × 2,000 times.
//! - `switching`: two threads that compute, until the lock has changed hands 20 times, at an interval of 200 µs.
//!
//! Takes: about a minute.
//! Lesson: A safe point with no request is one load: an interpreter can afford it at every jump.
//! Lesson: First come, first served costs a switch of threads at every hand-off. A lock that isn't fair lets the running thread go on.
//! Lesson: A switch takes the interval that you chose. What is left of it for computing is the interval less two wake-ups.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gil::lock::Lock;
use gil::switching::Gil;
use std::hint::black_box;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_micros(200);

fn uncontended(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("uncontended");
    let lock = Lock::new();
    group.bench_function("your Lock", |bencher| bencher.iter(|| drop(lock.acquire())));
    let gil = Gil::new(INTERVAL);
    group.bench_function("your Gil", |bencher| bencher.iter(|| drop(gil.acquire())));
    let mutex = Mutex::new(());
    group.bench_function("std::sync::Mutex", |bencher| {
        bencher.iter(|| drop(black_box(mutex.lock())));
    });
    let mut guard = gil.acquire();
    group.bench_function("your safe point", |bencher| {
        bencher.iter(|| black_box(guard.safe_point()));
    });
    group.finish();
}

/// Two threads, each running `section` so many times.
fn twice(times: u64, section: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..times).for_each(|_| section()));
        }
    });
}

fn contended(criterion: &mut Criterion) {
    const TIMES: u64 = 2_000;
    let mut group = criterion.benchmark_group("contended");
    group.throughput(Throughput::Elements(2 * TIMES));
    group.sample_size(10);
    let lock = Lock::new();
    group.bench_function("your Lock", |bencher| {
        bencher.iter(|| twice(TIMES, || drop(lock.acquire())));
    });
    let gil = Gil::new(INTERVAL);
    group.bench_function("your Gil", |bencher| {
        bencher.iter(|| twice(TIMES, || drop(gil.acquire())));
    });
    let mutex = Mutex::new(());
    group.bench_function("std::sync::Mutex", |bencher| {
        bencher.iter(|| twice(TIMES, || drop(black_box(mutex.lock()))));
    });
    group.finish();
}

fn switching(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("switching");
    group.sample_size(10);
    let gil = Gil::new(INTERVAL);
    group.bench_function("20 switches of your Gil", |bencher| {
        bencher.iter(|| {
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        let mut guard = gil.acquire();
                        for _ in 0..10 {
                            // Alone, it can't wait for the other one: a bounded number of looks.
                            (0..1_000_000).find(|n| {
                                black_box(n);
                                guard.safe_point()
                            });
                        }
                    });
                }
            });
        });
    });
    group.finish();
}

criterion_group!(benches, uncontended, contended, switching);
criterion_main!(benches);
