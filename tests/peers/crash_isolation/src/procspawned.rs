//! procspawn's pool.

use crate::{median, nanos};
use procspawn::Pool;
use std::time::Instant;

const WORKERS: usize = 2;

/// Tasks in flight at one time: each needs channels of its own.
const WINDOW: usize = 64;

fn tiny(task: u64) -> u64 {
    task + 1
}

fn warm(workers: usize) -> Pool {
    let pool = Pool::new(workers).expect("a pool");
    let all: Vec<_> = (0..4 * workers as u64)
        .map(|task| pool.spawn(task, tiny))
        .collect();
    for handle in all {
        handle.join().expect("it answers");
    }
    pool
}

/// The pool's start is not included.
pub fn pipelined(count: u64) -> f64 {
    let pool = warm(WORKERS);
    let tasks: Vec<u64> = (0..count).collect();
    let begin = Instant::now();
    for window in tasks.chunks(WINDOW) {
        let handles: Vec<_> = window.iter().map(|task| pool.spawn(*task, tiny)).collect();
        for (handle, task) in handles.into_iter().zip(window) {
            assert_eq!(handle.join().expect("it answers"), task + 1);
        }
    }
    let time = begin.elapsed();
    pool.shutdown();
    time.as_secs_f64() * 1e6 / count as f64
}

/// One task at a time.
pub fn serial(count: u64) -> f64 {
    let pool = warm(1);
    let begin = Instant::now();
    for task in 0..count {
        assert_eq!(pool.spawn(task, tiny).join().expect("it answers"), task + 1);
    }
    let time = begin.elapsed();
    pool.shutdown();
    time.as_secs_f64() * 1e6 / count as f64
}

/// From the request that crashes the worker to the begin of the next task, in another process: the median of many.
pub fn crash(count: u64) -> f64 {
    let pool = warm(1);
    let stamp = |(): ()| nanos();
    let one = |_| {
        let begin = nanos();
        assert!(
            pool.spawn((), |(): ()| -> u64 { os::process::Crash::Kill.now() })
                .join()
                .is_err()
        );
        let end = pool.spawn((), stamp).join().expect("it answers");
        (end - begin) as f64 / 1e3
    };
    let time = median((0..count).map(one));
    pool.shutdown();
    time
}

/// One of 1,000 tasks kills its worker.
pub fn lost() -> f64 {
    let pool = warm(WORKERS);
    let tasks: Vec<u64> = (0..1000).collect();
    let mut lost = 0;
    for window in tasks.chunks(WINDOW) {
        let work = |task: u64| match task {
            500 => os::process::Crash::Kill.now(),
            task => tiny(task),
        };
        let handles: Vec<_> = window.iter().map(|task| pool.spawn(*task, work)).collect();
        lost += handles
            .into_iter()
            .filter_map(|handle| handle.join().err())
            .count();
    }
    pool.shutdown();
    lost as f64
}
