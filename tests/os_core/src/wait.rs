//! Whether and how children of this process have ended.

use std::io;

/// Waits until a child has ended, removes it from the process table, and returns its raw status.
pub(crate) fn reap(pid: libc::pid_t) -> io::Result<i32> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is ours to write to.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            return Ok(status);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Whether a child of this process has ended. It is not reaped: it can still be waited for.
///
/// # Errors
/// `ECHILD` when it is no child of this process, or was waited for already.
pub fn has_ended(pid: u32) -> io::Result<bool> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is ours to write to; all zeros, it is a valid `siginfo_t` that says that nobody has ended, and
    // waitid leaves it so or fills the fields that `si_pid` reads.
    let ended = unsafe {
        if libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), options) != 0 {
            return Err(io::Error::last_os_error());
        }
        info.assume_init().si_pid() != 0
    };
    Ok(ended)
}
