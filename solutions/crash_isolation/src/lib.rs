//! The exercise of the chapter "Crash isolation: who dies with whom?".
//!
//! Fill in the `todo!`s, run `cargo test`, read what it says. `cargo course check` shows where you are,
//! `cargo course hint` gives a nudge.

#![forbid(unsafe_code)]

// Step 1: what the kernel says about a process that has ended.
pub mod outcome;

// Step 2: crash in a thread, crash in a process, and see who survives.
pub mod crash_matrix;

// Step 3: restart what crashes, but not forever.
pub mod supervisor;

// Step 4: a pool that outlives its workers.
pub mod pool;

// Step 5: a worker dies holding a lock, and the next owner repairs what it left.
pub mod bank;

// Step 6, a bonus: a worker that never sees the end of its input.
pub mod end_of_file;
