//! Runs the tests on a few threads and collects what became of each.

use super::Case;
use crate::failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;
use wire::status::{Report, Status};

/// Most tests wait for a subject, so more of them than there are processors run at the same time.
const THREADS: usize = 4;

/// Runs `cases`; calls `progress` with all reports so far, in the order of `cases`, whenever the next one is known.
pub(super) fn run(
    cases: &[Case],
    threads: Option<usize>,
    mut progress: impl FnMut(&[Report]),
) -> Vec<Report> {
    let threads = threads
        .or_else(|| std::env::var("RUST_TEST_THREADS").ok()?.parse().ok())
        .unwrap_or(THREADS)
        .clamp(1, cases.len().max(1));
    let next = AtomicUsize::new(0);
    let mut reports: Vec<Option<Report>> = cases.iter().map(|_| None).collect();
    let mut known: Vec<Report> = Vec::new();
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..threads {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                while let Some((index, case)) = {
                    let index = next.fetch_add(1, Relaxed);
                    cases.get(index).map(|case| (index, case))
                } {
                    if sender.send((index, run_one(case))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (index, report) in receiver {
            reports[index] = Some(report);
            let before = known.len();
            while let Some(report) = reports.get_mut(known.len()).and_then(Option::take) {
                known.push(report);
            }
            if known.len() > before {
                progress(&known);
            }
        }
    });
    known
}

fn run_one(case: &Case) -> Report {
    let begin = Instant::now();
    failure::begin(case.name());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        if case.linux.is_none_or(crate::linux) {
            (case.test.run)();
        }
    }));
    let mut report = failure::end(caught.is_err());
    report.seconds = begin.elapsed().as_secs_f64();
    if report.status == Status::Skipped {
        // Past every capture, since CI looks for it.
        eprintln!("skipped: {}: {}", report.test, report.message);
    }
    failure::append(&report);
    report
}
