//! Benchmark of the chapter "IPC: say it across the wall": what a round trip costs, and how much goes through.
//!
//! `cargo bench --features bench` in `exercises/ipc` measures your code, in `solutions/ipc` the reference. Two groups, each
//! with messages of 64 bytes, 4 KiB and 1 MiB; both processes live on, no start is timed:
//!
//! - `round_trip`: a request to a worker and its answer of the same size: your `Worker` over pipes, your `call` with an open
//!   file over a Unix socket (64 bytes only), and your two rings.
//! - `raw`: the same bytes through two pipes without frames, each side knowing the length.
//!
//! `tests/peers/ipc/run.sh` compares the reference with other libraries and with CPython.
//!
//! Takes: about two minutes.
//! Lesson: A pipe costs two system calls and two copies each way; framing adds almost nothing to that.
//! Lesson: A ring in shared memory needs no system call while both sides are awake.
//! Lesson: For a mebibyte the copies decide, not the calls.

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use ipc::ring::{DATA, Ring};
use ipc::worker::Worker;
use ipc::{descriptor, sleeping};
use os::memory::Mapping;
use os::process::{Child, ParentOnly, Peer, fork};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

const SIZES: [(usize, &str); 3] = [(64, "64 B"), (4 << 10, "4 KiB"), (1 << 20, "1 MiB")];
/// Words of a ring.
const ROOM: usize = 1 << 18;

/// Two rings and the process that sends back what it receives.
struct Echo {
    there: Mapping,
    back: Mapping,
    child: Child<()>,
    peer: Peer,
}

impl Echo {
    fn start() -> io::Result<Self> {
        let (there, back) = (Mapping::shared(DATA + ROOM)?, Mapping::shared(DATA + ROOM)?);
        let this = std::process::id();
        let child = fork(|| {
            let peer = Peer::parent(this)?;
            loop {
                let message = sleeping::recv(Ring::new(&there), &peer)?;
                if message.is_empty() {
                    return Ok(());
                }
                sleeping::send(Ring::new(&back), &message, &peer)?;
            }
        })?;
        let peer = Peer::open(child.pid())?;
        Ok(Self {
            there,
            back,
            child,
            peer,
        })
    }

    fn call(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        sleeping::send(Ring::new(&self.there), message, &self.peer)?;
        sleeping::recv(Ring::new(&self.back), &self.peer)
    }

    fn stop(self) -> io::Result<()> {
        sleeping::send(Ring::new(&self.there), &[], &self.peer)?;
        self.child.wait()
    }
}

fn round_trips(group: &mut BenchmarkGroup<'_, WallTime>) -> io::Result<()> {
    for (size, name) in SIZES {
        group.throughput(Throughput::Bytes(2 * size as u64));
        let message = vec![7; size];
        let mut worker = Worker::start(<[u8]>::to_vec)?;
        group.bench_function(format!("yours, pipes, {name}"), |bencher| {
            bencher.iter(|| black_box(worker.call(&message).expect("the worker answers")));
        });
        worker.stop()?;
        let echo = Echo::start()?;
        group.bench_function(format!("yours, rings, {name}"), |bencher| {
            bencher.iter(|| black_box(echo.call(&message).expect("the other side answers")));
        });
        echo.stop()?;
    }
    let (ours, mut theirs) = UnixStream::pair()?;
    let mut ours = ParentOnly::new(ours);
    let child = fork(|| descriptor::serve(&mut theirs, |request, _| request.to_vec()))?;
    drop(theirs);
    let file = std::fs::File::open("/dev/null")?;
    group.throughput(Throughput::Bytes(128));
    group.bench_function("yours, a file along, 64 B", |bencher| {
        bencher.iter(|| {
            black_box(descriptor::call(&mut ours, &[7; 64], file.as_fd()).expect("an answer"))
        });
    });
    ours.shutdown(std::net::Shutdown::Both)?;
    child.wait()
}

fn raw(group: &mut BenchmarkGroup<'_, WallTime>) -> io::Result<()> {
    for (size, name) in SIZES {
        group.throughput(Throughput::Bytes(2 * size as u64));
        let (mut requests, ours) = io::pipe()?;
        let (mut answers, mut theirs) = io::pipe()?;
        let mut ours = ParentOnly::new(ours);
        let child = fork(move || {
            let mut bytes = vec![0; size];
            while requests.read_exact(&mut bytes).is_ok() {
                theirs.write_all(&bytes)?;
            }
            Ok(())
        })?;
        let mut bytes = vec![7; size];
        group.bench_function(format!("pipes, {name}"), |bencher| {
            bencher.iter(|| {
                ours.write_all(&bytes).expect("it is written");
                answers.read_exact(&mut bytes).expect("it comes back");
            });
        });
        drop(ours);
        child.wait()?;
    }
    Ok(())
}

fn benchmark(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round_trip");
    round_trips(&mut group).expect("the processes work");
    group.finish();
    let mut group = criterion.benchmark_group("raw");
    raw(&mut group).expect("the processes work");
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
