//! One at a time. The exercise of the chapter "The GIL": five steps and a bonus, a file for each.
//!
//! Fill in the `todo!`s, run `cargo test`, read what it says. The steps build on each other in the order
//! below. `cargo course check` shows where you are, `cargo course hint` gives a nudge.

#![forbid(unsafe_code)]

// Step 1: a lock with a guard.
pub mod lock;

// Step 2: the lock changes hands.
pub mod switching;

// Step 3: give the lock up while you wait for something else.
pub mod allow_threads;

// Step 4: a bytecode machine whose threads run under the lock.
pub mod machine;

// Step 5: around the lock: processes, and lists with locks of their own.
pub mod around;

// Bonus: threads that come back from I/O go first.
pub mod io_first;
