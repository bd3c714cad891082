//! What the Rust experiments ask of the system beyond the crate `os`: a limited lifetime, one CPU, small pages, faults.

use os::process::{Child, fork};
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::ops::Sub;

/// Seconds after which the kernel ends a process of an experiment, whatever it waits for.
const LIMIT_SECONDS: u32 = 300;

/// Ends this process with its parent (PDEATHSIG, Linux), and by a 300 s alarm.
pub fn limit_lifetime() {
    // SAFETY: alarm takes a plain number and sets this process's timer; no memory is involved.
    unsafe {
        libc::alarm(LIMIT_SECONDS);
    }
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

/// A forked process that serves an experiment until this is dropped.
pub struct Server(Option<Child<()>>);

impl Server {
    /// Forks a process that runs `serve`.
    ///
    /// # Errors
    /// Those of [`os::process::fork`].
    pub fn start(serve: impl FnOnce() -> io::Result<()>) -> io::Result<Self> {
        let child = fork(|| {
            limit_lifetime();
            serve()
        })?;
        Ok(Self(Some(child)))
    }
}

impl Server {
    /// Returns its process id.
    pub fn pid(&self) -> Option<u32> {
        self.0.as_ref().map(Child::pid)
    }

    /// Sends it SIGKILL, and doesn't wait until it has ended.
    pub fn kill(&self) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL); // not reaped yet, so the pid is still its own
        }
    }

    /// Returns how long it has been on a CPU so far, in microseconds, where the system tells.
    #[cfg(target_os = "linux")]
    pub fn cpu_time(&self) -> Option<f64> {
        let pid = self.pid()?;
        let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
        let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
        Some(nanoseconds / 1e3)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if let Some(child) = self.0.take() {
            let _ = child.wait();
        }
    }
}

/// Returns the number of minor page faults of this process so far, where the system tells.
pub fn faults() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(7)?.parse().ok()
}

/// How long a thread has run, and how long it was ready to run and waited for a CPU, in seconds.
///
/// The sum of both over a stretch of time, divided by its length, is 1 for a thread that computes, however busy the machine
/// is, and 0 for one that waits for a lock or for I/O.
#[derive(Clone, Copy)]
pub struct CpuDemand {
    pub ran: f64,
    pub ready: f64,
}

impl Sub for CpuDemand {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            ran: self.ran - before.ran,
            ready: self.ready - before.ready,
        }
    }
}

/// Returns the demand of the calling thread so far, where the system tells.
#[cfg(target_os = "linux")]
pub fn cpu_demand() -> Option<CpuDemand> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ready: f64 = stat.split_whitespace().nth(1)?.parse().ok()?; // nanoseconds
    let ran = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(CpuDemand {
        ran: ran.tv_sec as f64 + ran.tv_nsec as f64 / 1e9,
        ready: ready / 1e9,
    })
}

/// Returns the demand of the calling thread so far, where the system tells.
#[cfg(not(target_os = "linux"))]
pub fn cpu_demand() -> Option<CpuDemand> {
    None
}

/// Returns the number by which the kernel knows the calling thread.
#[cfg(target_os = "linux")]
pub fn thread_id() -> u32 {
    rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .unsigned_abs()
}

/// Returns a number of the calling thread's own.
#[cfg(not(target_os = "linux"))]
pub fn thread_id() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    thread_local!(static OWN: u32 = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    OWN.with(|own| *own)
}

/// Keeps the kernel from merging pages into huge ones: they are counted one by one.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Returns the CPUs that this process may use.
#[cfg(target_os = "linux")]
pub fn cpus() -> Vec<usize> {
    let set = rustix::thread::sched_getaffinity(None);
    set.map(|set| {
        (0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|cpu| set.is_set(*cpu))
            .collect()
    })
    .unwrap_or_default()
}

/// Returns the CPUs that this process may use; none where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn cpus() -> Vec<usize> {
    Vec::new()
}

/// Pins the calling thread to one CPU of the list, by index modulo its length. An empty list pins nothing.
pub fn pin(cpus: &[usize], which: usize) {
    #[cfg(target_os = "linux")]
    if !cpus.is_empty() {
        let mut set = rustix::thread::CpuSet::new();
        set.set(cpus[which % cpus.len()]);
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (cpus, which);
}
