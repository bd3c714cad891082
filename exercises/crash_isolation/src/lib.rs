//! The exercise of the chapter "Crash isolation: who dies with whom?".
//!
//! Fill in the `todo!`s, run `cargo test`, read what it says. `cargo course check` shows where you are,
//! `cargo course hint` gives a nudge.

#![forbid(unsafe_code)]

// Step 1: outcome.
pub mod outcome;
