//! Processes: fork a child, wait for it, know how it ended.

use crate::harness::{self, Event};
use crate::model;
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Seconds after which a forked child is ended by the kernel, whatever it waits for.
const CHILD_SECONDS: u32 = 60;

/// Descriptors that belong to the parent alone: a child closes them first, so that ends of pipes and
/// sockets which it inherits keep nobody from seeing end of file.
static PARENTS_OWN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

fn parents_own() -> MutexGuard<'static, Vec<RawFd>> {
    PARENTS_OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pipe's or socket's end that children made by [`fork`] do not inherit.
///
/// A child that keeps its parent's end of its own pipe never sees end of file on it.
///
/// ```
/// use std::io::Read;
/// # fn main() -> std::io::Result<()> {
/// let (mut reader, writer) = std::io::pipe()?;
/// let writer = os::process::ParentOnly::new(writer);
/// let child = os::process::fork(|| {
///     let mut text = String::new();
///     reader.read_to_string(&mut text)?; // ends: nobody else can write any more
///     Ok(text)
/// })?;
/// drop(writer);
/// assert_eq!(child.wait()?, "");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ParentOnly<F: AsRawFd>(F);

impl<F: AsRawFd> ParentOnly<F> {
    /// Keeps `end` out of the children that are forked while it lives.
    pub fn new(end: F) -> Self {
        parents_own().push(end.as_raw_fd());
        Self(end)
    }
}

impl<F: AsRawFd> Deref for ParentOnly<F> {
    type Target = F;
    fn deref(&self) -> &F {
        &self.0
    }
}

impl<F: AsRawFd> DerefMut for ParentOnly<F> {
    fn deref_mut(&mut self) -> &mut F {
        &mut self.0
    }
}

impl<F: AsRawFd> Drop for ParentOnly<F> {
    fn drop(&mut self) {
        // Before the descriptor is closed: its number may soon mean something else.
        let fd = self.0.as_raw_fd();
        parents_own().retain(|other| *other != fd);
    }
}

/// Forks: from here on two processes run the same program, and the new one runs `child` and ends.
///
/// The child has a copy of everything this process has in memory. What it returns, value or error, comes
/// back through a pipe, as JSON, and [`Child::wait`] takes it.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let mut n = 1;
/// let child = os::process::fork(|| {
///     n += 1;
///     Ok(n)
/// })?;
/// assert_eq!(child.wait()?, 2); // the child's n
/// assert_eq!(n, 1); // is not ours
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The kernel's, when it has no room for a process. Also when this process has more than one thread: the
/// child would have only the caller's, and a lock that another one holds would stay locked in it for ever.
pub fn fork<T, F>(child: F) -> io::Result<Child<T>>
where
    F: FnOnce() -> io::Result<T>,
    T: Serialize + DeserializeOwned,
{
    if model::running() {
        return Err(io::Error::other(
            "fork: a model run has threads only, no processes",
        ));
    }
    if let Some(threads) = thread_count()
        && threads > 1
    {
        return Err(io::Error::other(format!(
            "fork: this process has {threads} threads, and a child would have one; \
             locks that the others hold would stay locked in it for ever"
        )));
    }
    if harness::fork_is_to_fail() {
        return Err(io::ErrorKind::WouldBlock.into()); // EAGAIN: no room for another process
    }
    let number = harness::next_child();
    let (answer, report) = pipe()?;
    io::stdout().flush()?; // else the child would print it again
    // SAFETY: there is one thread (checked above where the system tells), so the child is a whole copy.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(answer);
            harness::child_begins(number);
            run_child(child, report)
        }
        pid => {
            harness::count(Event::Fork);
            Ok(Child {
                pid,
                answer: ParentOnly::new(File::from(answer)),
                returns: PhantomData,
            })
        }
    }
}

fn run_child<T: Serialize>(child: impl FnOnce() -> io::Result<T>, report: OwnedFd) -> ! {
    // SAFETY: alarm and close take plain numbers. The descriptors are copies whose owners, in the parent's
    // memory, are never dropped here: this process ends with `_exit`.
    unsafe {
        libc::alarm(CHILD_SECONDS);
        let own = std::mem::take(&mut *parents_own());
        for fd in own {
            libc::close(fd);
        }
    }
    let (ended, code) = match catch_unwind(AssertUnwindSafe(child)) {
        Ok(Ok(value)) => (Ok(value), 0),
        Ok(Err(error)) => (Err(error.to_string()), 1),
        Err(payload) => {
            let message = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            (Err(format!("the child panicked: {message}")), 101)
        }
    };
    let mut report = File::from(report);
    let sent = serde_json::to_vec(&ended)
        .map_err(io::Error::other)
        .and_then(|text| report.write_all(&text));
    let _ = io::stdout().flush();
    // SAFETY: ends this process at once; what the parent's copy of the program would do at exit is not ours.
    unsafe { libc::_exit(if sent.is_ok() { code } else { 102 }) }
}

/// A process that was forked here.
///
/// Wait for it: a child that has ended stays in the process table, as a zombie, until its parent asks how.
#[derive(Debug)]
#[must_use = "a child that nobody waits for stays behind as a zombie"]
pub struct Child<T> {
    pid: libc::pid_t,
    answer: ParentOnly<File>,
    returns: PhantomData<T>,
}

impl<T: DeserializeOwned> Child<T> {
    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Waits until the child has ended, and takes what it returned.
    ///
    /// # Errors
    /// What the child returned as an error, or that it returned nothing: it panicked, was killed by a signal,
    /// or exited.
    pub fn wait(mut self) -> io::Result<T> {
        harness::count(Event::Waiting);
        let mut text = Vec::new();
        let read = self.answer.read_to_end(&mut text);
        let ended = wait_for(self.pid)?;
        read?;
        match serde_json::from_slice::<Result<T, String>>(&text) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(why)) => Err(io::Error::other(why)),
            Err(_) => Err(io::Error::other(format!(
                "the child returned nothing: it {ended}"
            ))),
        }
    }
}

fn wait_for(pid: libc::pid_t) -> io::Result<Ended> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is ours to write to.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            harness::count(Event::Wait);
            return Ok(Ended::from_status(status));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

impl Ended {
    /// From a raw status, as `wait` reports it.
    #[must_use]
    pub fn from_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signaled(libc::WTERMSIG(status))
        } else {
            Self::Exited(libc::WEXITSTATUS(status))
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Signaled(signal) => write!(f, "was killed by {}", signal_name(*signal)),
        }
    }
}

/// The name of a signal, as in `kill -l`: 11 is SIGSEGV.
#[must_use]
pub fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// A handle on a process that never comes to mean another one, as a process id may (Linux).
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct PidFd(OwnedFd);

#[cfg(target_os = "linux")]
impl PidFd {
    /// A handle on a child of this process, or on any process that may be signalled.
    ///
    /// # Errors
    /// `ESRCH` when there is no such process.
    pub fn open(pid: u32) -> io::Result<Self> {
        let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
        // SAFETY: pidfd_open takes plain numbers; the descriptor that comes back is nobody else's.
        unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
            match RawFd::try_from(fd) {
                Ok(fd) if fd >= 0 => Ok(Self(OwnedFd::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Waits until the process has ended, or the time is over; says whether it has. It is not reaped.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wait_timeout(&self, time: Duration) -> io::Result<bool> {
        let deadline = std::time::Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let millis = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
            let mut poll = libc::pollfd {
                fd: self.0.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one pollfd, which is ours.
            match unsafe { libc::poll(&raw mut poll, 1, millis) } {
                0 => return Ok(false),
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
}

/// How many threads this process has, where the system tells (Linux).
fn thread_count() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?; // closed on exec
    Ok((reader.into(), writer.into()))
}
