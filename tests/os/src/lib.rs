//! What the operating system gives a process, in safe types: threads, processes, locks and shared memory.
//!
//! The exercises are written against this crate, for two reasons:
//!
//! - **No `unsafe` for learners.** [`process::fork`], [`memory::Mapping`] and [`memory::Block`] wrap
//!   `fork`, `mmap`, `memfd_create`, `shm_open` and `flock`.
//! - **The tests control the scheduler.** [`sync`] and [`thread`] are the standard library's types in a
//!   plain run. Constructed inside [`model::explore`] they are run by a scheduler that decides, at every
//!   access to shared state, which thread goes next.

pub mod harness;
pub mod memory;
pub mod model;
pub mod process;
pub mod sync;
pub mod thread;
