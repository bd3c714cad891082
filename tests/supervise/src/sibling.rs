//! A fork that becomes its parent's sibling, for a process that has to outlive a program and the kill of all its family.

use rustix::process::Pid;
use std::{fs, io};

/// Forks this process. The new process is a child of this process's *parent*, which can wait for it by its id, and no
/// descendant of this one. It is in a process group of its own. So [`crate::run`] leaves it alone when it kills what a program
/// started, unless it still carries the [mark](crate::MARK). Linux only.
///
/// Returns the new process's id; in the new process, `None`.
///
/// # Errors
/// When this process has more than one thread, when there is no `/proc` to tell, or when the system can't fork.
pub fn fork_sibling() -> io::Result<Option<Pid>> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other(
            "only a process of one thread can be forked",
        ));
    }
    // The parent is told of the new process's end as it is of ours.
    let flags = libc::c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and without a stack, `clone` is `fork`. This is the only thread (checked above), and nothing
    // here starts another: the child finds no lock that somebody else holds, and may go on as any program.
    let forked = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match forked {
        0 => {
            rustix::process::setpgid(None, None)?;
            Ok(None)
        }
        pid if pid > 0 => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            pid.map(Some)
                .ok_or_else(|| io::Error::other("a process id that is none"))
        }
        _ => Err(io::Error::last_os_error()),
    }
}
