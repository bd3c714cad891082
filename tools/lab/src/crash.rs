//! Crashes on purpose, for the experiments on who dies with whom.

use crate::sys::limit_lifetime;
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use std::hint::black_box;
use std::io;
use std::os::fd::AsRawFd;

/// Bytes that a process may still allocate once it expects crashes, and more than that.
#[cfg(target_os = "linux")]
const ROOM: u64 = 256 << 20;
const TOO_MUCH: usize = 1 << 30;

/// A way to crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// A panic, which unwinds.
    Panic,
    /// A request for more memory than there is.
    OutOfMemory,
    /// `std::process::exit`.
    Exit,
    /// `std::process::abort`.
    Abort,
    /// A read from an address where nothing is mapped.
    Segfault,
    /// A function that calls itself without end.
    StackOverflow,
    /// SIGKILL, sent to the own process.
    Kill,
}

impl Crash {
    /// Crashes the calling thread, at least.
    pub fn now(self) {
        match self {
            Self::Panic => panic!("a bug"),
            Self::OutOfMemory => drop(black_box(Vec::<u8>::with_capacity(black_box(TOO_MUCH)))),
            Self::Exit => std::process::exit(3),
            Self::Abort => std::process::abort(),
            Self::Segfault => read_address_8(),
            Self::StackOverflow => {
                black_box(recurse(black_box(0)));
            }
            Self::Kill => {
                let _ = kill_process(getpid(), Signal::KILL);
            }
        }
    }
}

fn read_address_8() {
    let nowhere = std::ptr::without_provenance::<u8>(8);
    // SAFETY: not a promise but the experiment. No Rust object is in the first page, and Linux and macOS map nothing there, so
    // a volatile read touches no memory: the processor faults, and the kernel answers with SIGSEGV.
    black_box(unsafe { nowhere.read_volatile() });
}

#[expect(unconditional_recursion, reason = "that is the crash")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + 1)
}

/// Prepares a process and those that it forks for crashes: no core files, no messages, little memory, a short life.
///
/// # Errors
/// The kernel's.
pub fn expect() -> io::Result<()> {
    limit_lifetime();
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    #[cfg(target_os = "linux")]
    {
        // No core through a pipe either.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
        let statm = std::fs::read_to_string("/proc/self/statm")?;
        let pages: u64 = statm
            .split(' ')
            .next()
            .and_then(|size| size.parse().ok())
            .unwrap_or(0);
        let size = pages * os::memory::page_size() as u64 + ROOM;
        setrlimit(
            Resource::As,
            Rlimit {
                current: Some(size),
                maximum: rustix::process::getrlimit(Resource::As).maximum,
            },
        )?;
    }
    let silence = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    // SAFETY: dup2 takes two descriptors, the first of which is open; the second is standard error, which std doesn't own.
    match unsafe { libc::dup2(silence.as_raw_fd(), 2) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
