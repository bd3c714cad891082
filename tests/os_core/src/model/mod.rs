//! Model runs: a scheduler of ours decides at every access to shared state which thread goes next.
//!
//! A program that is right for every decision is right; one that is wrong for a few gets caught, and the schedule that
//! shows it can be read, saved and replayed. [shuttle](https://docs.rs/shuttle) gives each thread of a run a stack, all
//! on one OS thread; everything else, who waits for what and who goes next, is decided here. [`crate::sync`] and
//! [`crate::thread`] report their steps.
//!
//! What is not of these two modules is not scheduled: a plain `std::sync::Mutex` that is held across a step, or a busy
//! loop on a plain atomic, blocks the whole run. Thread-local variables are shared by all threads of a run.

mod explore;
pub(crate) mod memory;
mod outcome;
mod replay;
pub(crate) mod run;
mod schedulers;
pub(crate) mod show;
mod task;

pub use explore::{explore, explore_until};
pub use memory::describe;
pub use outcome::{Explored, Failure, Outcome};
pub use replay::{Replay, Turn, replay};
pub use run::{Time, now, panicking, running, set_spurious_wakeups, set_time};
pub use wire::schedule::{Op, Step};

pub(crate) use run::{Tag, Waiting, access, barrier, point, record, wait, wake, wake_sleepers};
pub(crate) use task::{Handle, ScopeData, scope_end, spawn, spawn_scoped};
