//! Support for the experiments in Rust. Each runs in a process of its own, as its Python twin does, and prints one JSON
//! object for each line; `experiments/bench.py` describes them.

use crate::{Claim, sys};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
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

/// Rotates a list so that each round begins with another element: being first is then neither an advantage nor a
/// disadvantage.
pub fn rotated<T, const N: usize>(mut things: [T; N], round: usize) -> [T; N] {
    things.rotate_left(round % N);
    things
}
