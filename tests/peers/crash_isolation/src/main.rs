//! One measurement of the reference pool, or of procspawn. Prints one number; `measure.py` asks for it again and again.
//!
//! `ours pipelined 20000`: microseconds a task; `ours serial 2000`; `ours crash 50`: microseconds from a crash to the next task's
//! begin in the replacement; `ours lost`: tasks lost of 1,000 when one kills its worker; `ours kills 100`: runs that hung or
//! lost more than the killed workers had in hand; `ours orphans`: workers that live 100 ms after their caller was killed.

mod ours;
mod procspawned;

use std::process::ExitCode;

fn main() -> ExitCode {
    procspawn::init(); // a procspawn worker goes no further
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let count = |text: &str| text.parse().expect("a count");
    let number = match words.as_slice() {
        ["ours", "pipelined", n] => ours::pipelined(count(n)),
        ["ours", "serial", n] => ours::serial(count(n)),
        ["ours", "crash", n] => ours::crash(count(n)),
        ["ours", "lost"] => ours::lost(),
        ["ours", "kills", n] => ours::kills(count(n)),
        ["ours", "orphans"] => ours::orphans(),
        ["procspawn", "pipelined", n] => procspawned::pipelined(count(n)),
        ["procspawn", "serial", n] => procspawned::serial(count(n)),
        ["procspawn", "crash", n] => procspawned::crash(count(n)),
        ["procspawn", "lost"] => procspawned::lost(),
        _ => {
            eprintln!("usage: crash_isolation_peers ours|procspawn WHAT [COUNT]");
            return ExitCode::FAILURE;
        }
    };
    println!("{number}");
    ExitCode::SUCCESS
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds on a clock that all processes share.
fn nanos() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is ours to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}
