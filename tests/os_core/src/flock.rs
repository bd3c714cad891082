//! `flock`, with an open file description for each holder.
//!
//! `flock` locks belong to an open file description. Threads that share a handle and children that inherit one share
//! its description too, and all "hold" its lock at once. So every holder opens the file anew.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

/// Device and inode: the same for all handles of a file, different for any two files that exist.
type Identity = (u64, u64);

struct Holder {
    number: u64,
    file: Identity,
    thread: ThreadId,
    process: u32,
}

/// Who holds which lock in this process. A forked child inherits a copy; its parent's entries are not its own.
static HOLDERS: Mutex<Vec<Holder>> = Mutex::new(Vec::new());

fn holders() -> MutexGuard<'static, Vec<Holder>> {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A lock that is held, until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    number: u64,
    process: u32,
}

impl Held {
    /// Whether this process acquired it, rather than inherited the guard.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_ours() {
            holders().retain(|holder| holder.number != self.number);
            // Not left to the closing of the file: a forked child may have the same description open.
            let _ = self.file.unlock(); // fails only for a descriptor that is not open
        }
    }
}

/// Waits for the lock of the file that `file` has open and that was opened under `name`.
pub(crate) fn lock(file: &File, name: &CStr) -> io::Result<Held> {
    let identity = identity(file)?;
    let (thread, process) = (std::thread::current().id(), std::process::id());
    let own = |holder: &Holder| {
        holder.file == identity && holder.thread == thread && holder.process == process
    };
    if holders().iter().any(own) {
        return Err(io::Error::new(
            io::ErrorKind::Deadlock,
            "this thread already holds the lock of this block: waiting for it again would never end",
        ));
    }
    let file = reopen(file, name, identity)?;
    loop {
        match file.lock() {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if cannot_lock(&error) => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "this system cannot lock shared memory with flock; Linux can",
                ));
            }
            Err(error) => return Err(error),
        }
    }
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Relaxed);
    holders().push(Holder {
        number,
        file: identity,
        thread,
        process,
    });
    Ok(Held {
        file,
        number,
        process,
    })
}

#[allow(unreachable_patterns)] // two of the numbers are the same on Linux
fn cannot_lock(error: &io::Error) -> bool {
    cfg!(not(target_os = "linux"))
        && matches!(
            error.raw_os_error(),
            Some(libc::EOPNOTSUPP | libc::ENOTSUP | libc::EINVAL)
        )
}

fn identity(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Opens the file once more, with an open file description of its own. The name may be gone, or mean another file.
fn reopen(file: &File, name: &CStr, identity_of_file: Identity) -> io::Result<File> {
    let fd = file.as_raw_fd();
    let same = |again: File| match identity(&again) {
        Ok(identity) if identity == identity_of_file => Some(again),
        _ => None,
    };
    let by_descriptor = File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/self/fd/{fd}"));
    let by_descriptor = match by_descriptor {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error), // out of descriptors
        opened => opened.ok().and_then(same),
    };
    by_descriptor
        .or_else(|| crate::shm::open(name).ok().and_then(same))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::Unsupported,
                "cannot lock this block: its name is gone, and there is no /proc to open it through",
            )
        })
}
