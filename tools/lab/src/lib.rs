//! The experiments behind the book's claims: measured in Python and in Rust, judged by stated rules.
//!
//! A [`Claim`] is a sentence of the book with an experiment in Rust, a rule and a chart, all in one file,
//! `src/claims/m1.rs`, and its twin in Python, `experiments/m1.py`. [`measure::measure`] runs an experiment in a process
//! of its own, under a deadline. It returns a [`Run`], to which the rule gives a [`Verdict`]. The runs of a claim are
//! kept in a [`Record`]: the book ships `records/reference/M1.json`, the reader's own is `records/mine/M1.json`.
//! [`scaffold::new_claim`] begins a new claim.
//!
//! # In the book
//!
//! [`chart()`] draws a claim. [`figure()`] formats one measurement of the reference record for the prose. A path is
//! `CLAIM/RUNTIME/WHAT`, as in `M1/python-3.13.0/child_writes_private_dirty`, which gives `2,560 pages`.
//!
//! `RUNTIME` is a key as in the record (`rust-1.95.0`, `python-3.13.0`, free-threaded `python-3.13.5t`), or one
//! that stays when the record is taken again: `rust`, `python` (the newest with the GIL), `python-t` (the newest
//! without), `python-3.9` and `python-3.13t` (the newest of that line).
//!
//! | `WHAT` | gives |
//! |---|---|
//! | a measurement, `thread_16_mib` | its median, with unit: `28 µs` |
//! | `min:…`, `max:…`, `p10:…`, `p90:…` | another statistic of it, with unit |
//! | `samples:…` | how many samples it has |
//! | `times:…` | how many of the samples are above zero: `11 of 11` |
//! | `bound:…` | when none of them is: the largest share of rounds that this leaves possible, `24 %` |
//! | `ratio:a/b` | the median of a over that of b: `12.3` |
//! | `percent:a/b` | the same as a percentage: `84 %` |
//! | `given:pages` | what the experiment was given, not measured: `2,560` |
//! | `verdict`, `name` | the verdict in words; `Python 3.13.0 (GIL)` |
//!
//! [`peers()`] shows how a chapter's solution compares with other libraries.
//!
//! `M1/machine` and `M1/date` tell on what, and on which day, the record was taken.

mod channels;
pub mod chart;
pub mod claim;
pub mod claims;
mod crash;
mod error;
pub mod experiment;
mod figure;
pub mod format;
pub mod machine;
pub mod measure;
mod peers;
pub mod plan;
pub mod python;
pub mod record;
pub mod report;
pub mod rule;
pub mod runtime;
#[cfg(test)]
mod sample;
pub mod scaffold;
#[cfg(target_os = "linux")]
mod shared;
mod sys;
mod unit;
mod verdict;

pub use chart::chart;
pub use claim::Claim;
pub use error::Error;
pub use figure::{figure, figures};
pub use peers::peers;
pub use record::{Measurement, Record, Run};
pub use runtime::{Language, Runtime};
pub use unit::Unit;
pub use verdict::{Outcome, Verdict};
