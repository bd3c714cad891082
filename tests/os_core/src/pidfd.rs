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

    /// Kills the process by SIGKILL. One that has ended stays as it is.
    ///
    /// # Errors
    /// `EPERM` when it is somebody else's, `ESRCH` when it has been reaped.
    pub fn kill(&self) -> io::Result<()> {
        let (fd, signal) = (self.0.as_raw_fd(), libc::SIGKILL);
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is ours and open; without a `siginfo_t` the kernel fills in its own.
        match unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, none, 0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
