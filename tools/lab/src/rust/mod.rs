//! The experiments in Rust, a module per claim. Each is called as its Python twin is: in a process of its own, which
//! prints one JSON object per line (see `experiments/bench.py`).

mod m1;
mod m2;
mod m3;
mod m4;

use crate::{Claim, sys};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Instant;

/// What one round measured.
type Round = BTreeMap<&'static str, Option<f64>>;

/// Runs the experiment of a claim in this process, which should do nothing else and have one thread.
///
/// # Errors
/// What the system refused.
pub fn experiment(claim: &Claim, rounds: usize) -> io::Result<()> {
    sys::mortal();
    sys::count_small_pages();
    match claim.id {
        "M1" => m1::run(rounds),
        "M2" => m2::run(rounds),
        "M3" => m3::run(rounds),
        "M4" => m4::run(rounds),
        other => Err(io::Error::other(format!(
            "{other}: not written in Rust yet"
        ))),
    }
}

fn emit(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Reports what the experiment was given, warms up, and reports round after round.
fn report(
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

/// How long `work` takes, in microseconds.
fn micros(work: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_nanos() as f64 / 1e3)
}
