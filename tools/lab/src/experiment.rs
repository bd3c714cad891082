//! Support for the experiments in Rust. Each runs in a process of its own, as its Python twin does, and prints one JSON
//! object for each line; `experiments/bench.py` describes them.

use crate::sys::CpuDemand;
use crate::{Claim, sys};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// What one round measured. `None` is what could not be measured here.
pub type Round = BTreeMap<&'static str, Option<f64>>;

/// Runs the experiment of a claim in this process, which should do nothing else and have one thread.
///
/// # Errors
/// The system's, and for a claim without an experiment in Rust.
pub fn run(claim: &Claim, rounds: usize) -> io::Result<()> {
    let experiment = claim
        .experiment
        .ok_or_else(|| io::Error::other(format!("{} is measured in Python alone", claim.id)))?;
    sys::limit_lifetime();
    sys::use_small_pages();
    experiment(rounds)
}

/// Prints what the experiment was given, warms up, and prints round after round.
///
/// # Errors
/// Those of `round`, and of printing.
pub fn report(
    rounds: usize,
    warm_up: usize,
    given: &Value,
    mut round: impl FnMut(usize) -> io::Result<Round>,
) -> io::Result<()> {
    emit(&json!({ "rounds": rounds, "given": given }))?;
    for _ in 0..warm_up {
        round(0)?;
    }
    for number in 0..rounds {
        emit(&json!({ "round": round(number)? }))?;
    }
    Ok(())
}

fn emit(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Returns how long `work` takes, in microseconds.
///
/// # Errors
/// Those of `work`.
pub fn micros(work: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_nanos() as f64 / 1e3)
}

/// What threads did, by the kernel's account.
pub struct Demand {
    /// How many of them ran or could have run, on average.
    pub ready: Option<f64>,
    /// How many of them ran, on average.
    pub run: Option<f64>,
    /// The time in microseconds, from the first thread's beginning to the last one's end.
    pub took: f64,
}

/// Runs each of `works` in a thread of its own, and tells how they shared the time.
pub fn demand_of<W: FnOnce() + Send>(works: impl IntoIterator<Item = W>) -> Demand {
    let works: Vec<_> = works.into_iter().collect();
    let begin = Barrier::new(works.len());
    let run = |work: W| {
        begin.wait();
        let (start, before) = (Instant::now(), sys::cpu_demand());
        work();
        let demand = sys::cpu_demand().zip(before);
        (
            start,
            Instant::now(),
            demand.map(|(after, before)| after - before),
        )
    };
    let run = &run;
    let spans: Vec<_> = thread::scope(|scope| {
        let threads = works.into_iter().map(|work| scope.spawn(move || run(work)));
        let threads: Vec<_> = threads.collect();
        let spans = threads.into_iter().map(|thread| thread.join());
        spans
            .map(|span| span.expect("the work does not panic"))
            .collect()
    });
    let start = spans.iter().map(|span| span.0).min();
    let end = spans.iter().map(|span| span.1).max();
    let took = end
        .zip(start)
        .map_or(0.0, |(end, start)| (end - start).as_secs_f64());
    let demands: Option<Vec<_>> = spans.iter().map(|span| span.2).collect();
    let sum = |part: fn(&CpuDemand) -> f64| {
        let demands = demands.as_ref()?;
        Some(demands.iter().map(part).sum::<f64>() / took)
    };
    Demand {
        ready: sum(|demand| demand.ran + demand.ready),
        run: sum(|demand| demand.ran),
        took: took * 1e6,
    }
}

/// Rotates a list so that each round begins with another element: being first is then neither an advantage nor a
/// disadvantage.
pub fn rotated<T, const N: usize>(mut things: [T; N], round: usize) -> [T; N] {
    things.rotate_left(round % N);
    things
}
