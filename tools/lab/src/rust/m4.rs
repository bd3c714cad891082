//! M4 in Rust: threads add to one number: by load and store, by `fetch_add`, under a `Mutex`. How many additions are lost?

use super::{Round, report};
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Barrier, Mutex};
use std::thread;

const THREADS: u64 = 4;
const TIMES: u64 = 200_000;

/// Runs the experiment.
pub fn run(rounds: usize) -> io::Result<()> {
    let given = json!({ "threads": THREADS, "additions": THREADS * TIMES });
    report(rounds, 1, &given, |_| {
        let n = AtomicU64::new(0);
        let load_store = lost(|| n.store(n.load(Relaxed) + 1, Relaxed), || n.load(Relaxed));
        n.store(0, Relaxed);
        let fetch_add = lost(
            || {
                n.fetch_add(1, Relaxed);
            },
            || n.load(Relaxed),
        );
        let n = Mutex::new(0);
        let take = || n.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mutex = lost(|| *take() += 1, || *take());
        Ok(Round::from([
            ("lost_load_store", load_store),
            ("lost_fetch_add", fetch_add),
            ("lost_mutex", mutex),
        ]))
    })
}

/// How many additions are missing when all threads have added.
fn lost(add: impl Fn() + Sync, total: impl Fn() -> u64) -> Option<f64> {
    let ready = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                ready.wait();
                for _ in 0..TIMES {
                    add();
                }
            });
        }
    });
    Some((THREADS * TIMES - total()) as f64)
}
