//! Benchmark of the chapter "Crash isolation: who dies with whom?": what isolation costs.
//!
//! `cargo bench --features bench` in `exercises/crash_isolation` measures your code, in `solutions/crash_isolation` the
//! reference. Three groups:
//!
//! - `tasks`: 2,000 tiny tasks through your pool with two workers, beside the same in one process, and in a new process for
//!   each of 50 of them.
//! - `crash`: a pool of one worker does two tasks, of which the first kills it, beside one in which nobody dies.
//! - `transfer`: your bank's transfer, beside two atomic additions under a plain lock.
//!
//! Takes: about a minute.
//! Lesson: A worker costs a fork once; a task through its pipe costs a fraction of that.
//! Lesson: A crash costs one task and one fork. The others don't notice.
//! Lesson: A journal costs a few more stores. The lock that survives its owner costs little more than one that doesn't.

use crash_isolation::bank::Bank;
use crash_isolation::pool::run_tasks;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use os::process::{Crash, fork};
use std::hint::black_box;
use std::sync::Mutex;

const TASKS: u64 = 2000;
const FORKS: u64 = 50;

fn answer(task: u64) -> u64 {
    task.wrapping_mul(3)
}

fn tasks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tasks");
    group.sample_size(20);
    let list: Vec<u64> = (0..TASKS).collect();
    group.throughput(Throughput::Elements(TASKS));
    group.bench_function("yours", |bencher| {
        bencher.iter(|| black_box(run_tasks(&list, 2, 1, &answer).expect("a pool")));
    });
    group.bench_function("in this process", |bencher| {
        bencher.iter(|| -> Vec<u64> { list.iter().map(|task| black_box(answer(*task))).collect() });
    });
    group.throughput(Throughput::Elements(FORKS));
    group.bench_function("a process for each", |bencher| {
        bencher.iter(|| {
            for task in 0..FORKS {
                let child = fork(|| Ok(answer(task))).expect("a child");
                black_box(child.wait().expect("it returns"));
            }
        });
    });
    group.finish();
}

fn crash(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("crash");
    group.sample_size(30);
    for (name, killed) in [("nobody dies", 2), ("the first task kills its worker", 0)] {
        let work = |task: u64| {
            if task == killed {
                Crash::Kill.now();
            }
            task
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(run_tasks(&[0, 1], 1, 1, &work).expect("a pool")));
        });
    }
    group.finish();
}

fn transfer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transfer");
    let bank = Bank::new(&[u64::MAX / 2, 0]).expect("a bank");
    let mut back = false;
    group.bench_function("yours", |bencher| {
        bencher.iter(|| {
            back = !back;
            let (from, to) = if back { (0, 1) } else { (1, 0) };
            black_box(bank.transfer(from, to, 1).expect("a transfer"))
        });
    });
    let plain = Mutex::new([u64::MAX / 2, 0]);
    group.bench_function("a plain lock, no journal", |bencher| {
        bencher.iter(|| {
            let mut balances = plain.lock().expect("nobody panics with it");
            balances[0] = black_box(balances[0] - 1);
            balances[1] = black_box(balances[1] + 1);
        });
    });
    group.finish();
}

criterion_group!(benches, tasks, crash, transfer);
criterion_main!(benches);
