//! What the operating system gives a process, in safe types: threads, processes, locks and shared memory.
//!
//! The exercises are written against this crate, for two reasons:
//!
//! - **No `unsafe` for learners.** [`process::fork`], [`memory::Mapping`] and [`memory::Block`] wrap
//!   `fork`, `mmap`, `memfd_create`, `shm_open` and `flock`.
//! - **The tests control the scheduler.** [`sync`], [`thread`] and [`time`] are the standard library's types in a
//!   plain run. In a model run a scheduler decides, at every access to shared state, which thread goes next. It sees
//!   only what comes from this crate: a plain `std::sync::Mutex` or `std::thread` it cannot schedule.
//!
//! With `default-features = false` there is no scheduler to compile: [`process`] and [`memory`] remain.
//!
//! The implementation is in `os_core`, with a window for the judge that cannot be reached from here.

/// Memory that is private to a process, shared with its children, or shared by name with any process.
pub mod memory {
    pub use os_core::memory::{
        Block, BlockLock, Mapping, Ordering, Pages, RobustGuard, RobustLock, Spin, Usage, Word,
        fence, page_size,
    };
}

/// Processes: fork a child, wait for it, learn how it ended.
pub mod process {
    pub use os_core::process::{
        Child, Crash, Ended, Finished, ParentOnly, Peer, PidFd, Worker, WorkerEnd, die_with_parent,
        fork, signal_name,
    };
}

/// Descriptors sent over Unix sockets.
pub mod socket {
    pub use os_core::socket::{recv_with_descriptor, send_with_descriptor};
}

/// Moments, and clocks that can wait for processes.
pub use os_core::time;

#[cfg(feature = "model")]
pub use os_core::{sync, thread};

/// Schedules written by hand.
#[cfg(feature = "model")]
pub mod model {
    pub use os_core::model::Turn;
}
