//! The process at the other end, and whether it still lives.

use crate::hook::{self, Event};
#[cfg(target_os = "linux")]
use crate::pidfd::PidFd;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The process that this one shares memory with: it may die at any moment, and nobody says so in the memory.
///
/// It is a handle, not a number: it never comes to mean another process. Open it while the process is known to exist: a
/// parent knows its child until it has waited for it.
///
/// ```
/// # extern crate os_core as os;
/// # #[cfg(target_os = "linux")]
/// # fn main() -> std::io::Result<()> {
/// let child = os::process::fork(|| Ok(()))?;
/// let peer = os::process::Peer::open(child.pid())?;
/// child.wait()?;
/// assert!(peer.has_ended()?);
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Peer(Kind);

#[derive(Debug)]
enum Kind {
    #[cfg(target_os = "linux")]
    Process(PidFd),
    /// A thread of a model run that plays a process.
    Thread(Arc<AtomicBool>),
}

impl Peer {
    /// Opens a handle on a process, such as a child of this one.
    ///
    /// # Errors
    /// `ESRCH` when there is no such process. `Unsupported` elsewhere than on Linux.
    pub fn open(pid: u32) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        return PidFd::open(pid).map(|pidfd| Self(Kind::Process(pidfd)));
        #[cfg(not(target_os = "linux"))]
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("a handle on process {pid} needs Linux's pidfd"),
        ))
    }

    /// Opens a handle on the parent of this process: in a forked child, whoever forked it.
    ///
    /// # Errors
    /// `BrokenPipe` when `parent` has ended already: its process id is passed, since a child whose parent has died has another
    /// one.
    pub fn parent(parent: u32) -> io::Result<Self> {
        let peer = Self::open(parent)?;
        // After the handle was opened: if it is the parent still, the handle is the parent's.
        match std::os::unix::process::parent_id() == parent {
            true => Ok(peer),
            false => Err(peer.died()),
        }
    }

    /// Whether the process has ended, in whatever way. What it wrote to shared memory before is there.
    ///
    /// # Errors
    /// The kernel's.
    pub fn has_ended(&self) -> io::Result<bool> {
        hook::notify(&Event::PeerAsked);
        self.ended()
    }

    pub(crate) fn ended(&self) -> io::Result<bool> {
        match &self.0 {
            #[cfg(target_os = "linux")]
            Kind::Process(pidfd) => pidfd.wait_timeout(Duration::ZERO),
            Kind::Thread(ended) => {
                #[cfg(feature = "model")]
                if crate::model::running() {
                    crate::model::point();
                    return Ok(self.is_gone_in_model());
                }
                let _ = Duration::ZERO;
                Ok(ended.load(Ordering::SeqCst))
            }
        }
    }

    /// The error that says so: `BrokenPipe`, “the peer died”.
    #[must_use]
    pub fn died(&self) -> io::Error {
        io::Error::new(io::ErrorKind::BrokenPipe, "the peer died")
    }

    #[cfg(feature = "model")]
    pub(crate) fn is_gone_in_model(&self) -> bool {
        let ended = match &self.0 {
            #[cfg(target_os = "linux")]
            Kind::Process(_) => return false,
            Kind::Thread(ended) => ended.load(Ordering::SeqCst),
        };
        if ended && crate::model::running() {
            crate::model::barrier();
        }
        ended
    }
}

/// For the judge: a thread of a model run that can die, as a process can.
#[derive(Clone, Debug, Default)]
pub struct Mortal(Arc<AtomicBool>);

impl Mortal {
    /// The thread, as its peer sees it.
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer(Kind::Thread(self.0.clone()))
    }

    /// From here on it has ended.
    pub fn die(&self) {
        #[cfg(feature = "model")]
        if crate::model::running() {
            crate::model::point();
            crate::model::barrier();
        }
        self.0.store(true, Ordering::SeqCst);
        #[cfg(feature = "model")]
        if crate::model::running() {
            crate::model::wake_sleepers();
        }
    }
}
