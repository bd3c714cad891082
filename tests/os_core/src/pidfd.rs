//! Handles on processes (Linux).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// A handle on a process that never comes to mean another one, as a process id may (Linux).
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens a handle on a child of this process, or on any process that may be signaled.
    ///
    /// # Errors
    /// `ESRCH` when there is no such process.
    pub fn open(pid: u32) -> io::Result<Self> {
        let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
        // SAFETY: pidfd_open takes plain numbers; the descriptor that it returns is nobody else's.
        unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
            match RawFd::try_from(fd) {
                Ok(fd) if fd >= 0 => Ok(Self(OwnedFd::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Waits until the process has ended or the time is over; returns whether it has ended. It is not reaped.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wait_timeout(&self, time: Duration) -> io::Result<bool> {
        let begin = Instant::now();
        loop {
            let left = time.saturating_sub(begin.elapsed());
            let millis = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
            let mut poll = libc::pollfd {
                fd: self.0.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one pollfd, which is ours.
            match unsafe { libc::poll(&raw mut poll, 1, millis) } {
                0 if begin.elapsed() >= time => return Ok(false),
                0 => {} // a wait of more than 24 days
                1.. => return Ok(true),
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Ends the process with SIGKILL, which nobody can catch. One that has ended already is no error.
    ///
    /// # Errors
    /// The kernel's: `EPERM` for another user's process.
    pub fn kill(&self) -> io::Result<()> {
        // SAFETY: pidfd_send_signal takes plain numbers and a null pointer for the default information.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                libc::SIGKILL,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if sent == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(()),
            _ => Err(error),
        }
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
