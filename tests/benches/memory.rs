//! Benchmark of the chapter "Memory": what sharing costs, and what it spares.
//!
//! `cargo bench --features bench` in `exercises/memory` measures your code, in `solutions/memory` the
//! reference. Two groups:
//!
//! - `counter`: two threads add 2 × 50,000 numbers. Your `sum_in_threads` beside one shared atomic, one
//!   shared lock, and a sum for each thread that is added up at the end.
//! - `hand_over`: 1 MiB from one process to another, which adds up its bytes and answers with one byte:
//!   through a shared mapping, a pipe, and a Unix socket. Both processes live on; no start is timed.
//!
//! Takes: about two minutes.
//! Lesson: One thread adds up faster than two on one counter: sharing costs more than the second core gives.
//! Lesson: Give each thread a total of its own and add the totals at the end: no sharing, no lock, no waiting.
//! Lesson: A shared mapping spares the kernel a copy of the data; a pipe copies it piece by piece.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use memory::lost_updates::sum_in_threads;
use os::memory::{Mapping, Ordering};
use os::process::ParentOnly;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::thread;

const NUMBERS: u64 = 50_000;

fn work() -> Vec<Vec<u64>> {
    (0..2).map(|_| (0..NUMBERS).collect()).collect()
}

/// One thread for each list, each running `add` on it.
fn in_threads(work: &[Vec<u64>], add: impl Fn(&[u64]) + Sync) {
    thread::scope(|scope| {
        for numbers in work {
            scope.spawn(|| add(numbers));
        }
    });
}

fn counter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("counter");
    group.throughput(Throughput::Elements(2 * NUMBERS));
    let work = work();
    group.bench_function("yours", |bencher| {
        bencher.iter_batched(
            || work.clone(),
            |work| black_box(sum_in_threads(work)),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("shared atomic", |bencher| {
        bencher.iter(|| {
            let total = AtomicU64::new(0);
            in_threads(&work, |numbers| {
                for n in numbers {
                    total.fetch_add(*n, Ordering::Relaxed);
                }
            });
            black_box(total.into_inner())
        });
    });
    group.bench_function("shared lock", |bencher| {
        bencher.iter(|| {
            let total = Mutex::new(0);
            in_threads(&work, |numbers| {
                for n in numbers {
                    *total.lock().expect("adding does not panic") += n;
                }
            });
            black_box(total.into_inner().expect("adding does not panic"))
        });
    });
    group.bench_function("a sum per thread", |bencher| {
        bencher.iter(|| {
            let total = AtomicU64::new(0);
            in_threads(&work, |numbers| {
                let sum = numbers.iter().map(|n| black_box(*n)).sum();
                total.fetch_add(sum, Ordering::Relaxed);
            });
            black_box(total.into_inner())
        });
    });
    group.bench_function("one thread", |bencher| {
        bencher.iter(|| {
            let numbers = work.iter().flatten();
            black_box(numbers.map(|n| black_box(*n)).sum::<u64>())
        });
    });
    group.finish();
}

const MIB: usize = 1 << 20;

/// A child process that takes 1 MiB whenever it is told to, and answers with a byte.
struct Consumer {
    child: os::process::Child<()>,
    stream: ParentOnly<UnixStream>,
}

impl Consumer {
    /// `take` runs in the child, with its end of a socket; it is to return an error at end of file.
    fn start(mut take: impl FnMut(&mut UnixStream, &mut [u8]) -> io::Result<()>) -> Self {
        let (stream, mut theirs) = UnixStream::pair().expect("a socket pair");
        let stream = ParentOnly::new(stream);
        let child = os::process::fork(|| {
            let mut data = vec![0; MIB];
            while take(&mut theirs, &mut data).is_ok() {
                let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
                theirs.write_all(&[sum])?;
            }
            Ok(())
        })
        .expect("a process can be forked");
        Self { child, stream }
    }

    fn answer(&mut self) -> u8 {
        let mut answer = [0];
        self.stream
            .read_exact(&mut answer)
            .expect("the child answers");
        answer[0]
    }

    fn stop(self) {
        drop(self.stream);
        self.child.wait().expect("the child ended well");
    }
}

fn hand_over(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hand_over");
    group.throughput(Throughput::Bytes(MIB as u64));
    let data = vec![7u8; MIB];

    let mapping = Mapping::shared(MIB / size_of::<u64>()).expect("1 MiB can be mapped");
    let mut consumer = Consumer::start(|told, data| {
        told.read_exact(&mut [0])?;
        mapping.copy_out(data);
        Ok(())
    });
    group.bench_function("shared mapping", |bencher| {
        bencher.iter(|| {
            mapping.copy_in(black_box(&data));
            consumer.stream.write_all(&[1]).expect("the child lives");
            consumer.answer()
        });
    });
    consumer.stop();

    let (mut from_parent, to_child) = io::pipe().expect("a pipe");
    let mut to_child = ParentOnly::new(to_child);
    let mut consumer = Consumer::start(|_, data| from_parent.read_exact(data));
    drop(from_parent);
    group.bench_function("pipe", |bencher| {
        bencher.iter(|| {
            to_child
                .write_all(black_box(&data))
                .expect("the child lives");
            consumer.answer()
        });
    });
    drop(to_child);
    consumer.stop();

    let mut consumer = Consumer::start(|stream, data| stream.read_exact(data));
    group.bench_function("Unix socket", |bencher| {
        bencher.iter(|| {
            consumer
                .stream
                .write_all(black_box(&data))
                .expect("the child lives");
            consumer.answer()
        });
    });
    consumer.stop();
    group.finish();
}

// The forks come first: they need a process of one thread.
criterion_group!(benches, hand_over, counter);
criterion_main!(benches);
