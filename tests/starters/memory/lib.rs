//! Who sees my write? The exercise of the chapter "Memory": four steps, a file for each.
//!
//! Fill in the `todo!`s, run `cargo test`, read what it says. The steps build on each other in the order
//! below. `cargo course check` shows where you are, `cargo course hint` gives a nudge.

#![forbid(unsafe_code)]

// Step 1: threads share a counter, and lose updates.
pub mod lost_updates;

// Step 2: a forked process writes, and its parent does not see it.
pub mod copy_on_write;

// Step 3: processes share a counter all the same.
pub mod shared_mapping;

// Step 4: Rust and Python share a counter.
pub mod python_block;
