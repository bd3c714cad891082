//! Say it across the wall. The exercise of the chapter "IPC": five steps, a file for each.
//!
//! Fill in the `todo!`s, run `cargo test`, read what it says. The steps build on each other in the order
//! below. `cargo course check` shows where you are, `cargo course hint` gives a nudge.

#![forbid(unsafe_code)]

// Step 1: frames in a stream of bytes, as CPython's `Connection` sends them.
pub mod framing;

// Step 2: a worker process that answers requests over two pipes.
pub mod worker;

// Step 3: an open file handed to another process, over a Unix socket.
pub mod descriptor;

// Step 4: a ring of messages in shared memory.
pub mod ring;

// Step 5: sleeping while there is nothing to do, and noticing that the peer died.
pub mod sleeping;
