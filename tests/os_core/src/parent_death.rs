//! A child that ends with its parent.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// The process that forked this one by [`fork`](crate::process::fork); 0 if that isn't how it began.
static PARENT: AtomicI32 = AtomicI32::new(0);

/// Remembers the caller, for the child that is about to be forked.
pub(crate) fn remember_parent() {
    // SAFETY: getpid takes nothing and always succeeds.
    PARENT.store(unsafe { libc::getpid() }, Relaxed);
}

/// Has the kernel kill this forked child, by SIGKILL, as soon as its parent has ended, however that happens (Linux).
///
/// Call it first in the child. If the parent has ended by then, the child is killed at once. Children of this child
/// don't inherit it: each asks for itself.
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// let child = os::process::fork(|| {
///     os::process::die_with_parent()?;
///     Ok(7) // it may run for as long as its parent
/// })?;
/// assert_eq!(child.wait()?, 7);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When this process was not made by [`fork`](crate::process::fork), or the system has no such thing.
pub fn die_with_parent() -> io::Result<()> {
    let parent = PARENT.load(Relaxed);
    // SAFETY: getpid takes nothing and always succeeds.
    if parent == 0 || parent == unsafe { libc::getpid() } {
        return Err(io::Error::other(
            "die_with_parent: this process was not made by os::process::fork",
        ));
    }
    ask(parent)
}

#[cfg(target_os = "linux")]
fn ask(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: these take plain numbers.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return Err(io::Error::last_os_error());
        }
        // The parent may have ended before the kernel was asked, which then sends nothing.
        if libc::getppid() != parent {
            libc::raise(libc::SIGKILL);
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn ask(_parent: libc::pid_t) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "die_with_parent: only Linux kills a process with its parent",
    ))
}
