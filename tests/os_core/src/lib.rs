//! What the operating system gives a process, in safe types: threads, processes, locks and shared memory.
//!
//! Learners use the crate `os`, which re-exports what is theirs. This crate has, beside that, what the judge needs:
//! [`hook`], [`process::has_ended`], and `model::{explore, replay}`. A crate that depends on `os` alone cannot name
//! any of it, so no answer can ask whether it is being tested or change what is counted.
//!
//! `SAFETY.md`, beside the manifest, says why the crate is sound.
//!
//! | feature | what it adds |
//! |---|---|
//! | `model` (default) | `sync`, `thread`, `time` and `model`: threads that a scheduler of ours controls |

mod block;
mod child;
mod clock;
mod crash;
mod descriptor;
mod ended;
mod flock;
mod fork;
mod futex;
pub mod hook;
#[cfg(feature = "model")]
mod instant;
mod mapping;
pub mod memory;
#[cfg(feature = "model")]
pub mod model;
mod pages;
mod panics;
mod parent_death;
mod peer;
#[cfg(target_os = "linux")]
mod pidfd;
#[cfg(not(target_os = "linux"))]
#[path = "no_pidfd.rs"]
mod pidfd;
mod poll;
pub mod process;
mod region;
#[cfg(target_os = "linux")]
mod robust;
#[cfg(not(target_os = "linux"))]
#[path = "no_robust.rs"]
mod robust;
mod shm;
mod smaps;
pub mod socket;
mod spaces;
mod spin;
mod strings;
#[cfg(feature = "model")]
pub mod sync;
#[cfg(feature = "model")]
pub mod thread;
mod threads;
pub mod time;
mod wait;
mod word;
mod worker;

#[cfg(not(feature = "model"))]
mod model {
    /// Without a scheduler there are plain runs only.
    #[inline]
    pub(crate) fn running() -> bool {
        false
    }
}
