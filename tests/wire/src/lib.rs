//! The types that cross a process boundary, each defined once.
//!
//! - [`frame`]: length-prefixed JSON messages over a stream, between judge and subject.
//! - [`status`]: what became of a test, from the judge to `check` and the grader.
//! - [`schedule`]: the steps of threads, from a model run to the failure message, and to the book's stepper.

pub mod frame;
pub mod schedule;
pub mod status;
