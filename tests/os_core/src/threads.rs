//! How many threads this process has, as far as the system tells.

use std::{
    io, thread,
    time::{Duration, Instant},
};

/// How long threads may take to end. A scope returns when their closures have returned, before the threads themselves end:
/// see [`std::thread::scope`]. On a busy machine that takes its time.
const ENDING: Duration = Duration::from_secs(1);

/// Fails unless this process has exactly one thread, once those that are about to end have ended.
pub(crate) fn require_one() -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match count()? {
            1 => return Ok(()),
            _ if begun.elapsed() < ENDING => thread::sleep(Duration::from_millis(1)),
            count => {
                return Err(io::Error::other(format!(
                    "fork: this process has {count} threads, and the child would have only one; \
                     a lock that another thread holds would stay locked in it forever"
                )));
            }
        }
    }
}

/// The threads that may still run code. A joined thread can be listed for a moment longer: the kernel wakes the joiner
/// before it removes the thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn count() -> io::Result<usize> {
    let tasks = std::fs::read_dir("/proc/self/task").map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("fork: cannot count this process's threads in /proc/self/task: {error}"),
        )
    })?;
    let tasks = tasks.collect::<io::Result<Vec<_>>>()?;
    if let [_] = &tasks[..] {
        return Ok(1); // the caller, which runs
    }
    let mut count = 0;
    for task in tasks {
        let path = task.path();
        // A thread that is gone by now cannot be read.
        if std::fs::read_to_string(path.join("stat")).is_ok_and(|stat| !is_exiting(&stat)) {
            count += 1;
        }
    }
    Ok(count)
}

/// Whether the kernel's flags for a task, the ninth field of its `stat`, have `PF_EXITING`: it runs no more code of
/// the program. See proc_pid_stat(5).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_exiting(stat: &str) -> bool {
    const PF_EXITING: u64 = 4;
    // The second field is a name in parentheses that may hold anything; the flags are the seventh after it.
    stat.rsplit_once(") ")
        .and_then(|(_, fields)| fields.split(' ').nth(6))
        .and_then(|flags| flags.parse::<u64>().ok())
        .is_some_and(|flags| flags & PF_EXITING != 0)
}

#[cfg(target_vendor = "apple")]
fn count() -> io::Result<usize> {
    let size = size_of::<libc::proc_taskinfo>() as i32;
    let mut info = std::mem::MaybeUninit::<libc::proc_taskinfo>::zeroed();
    let pid = std::process::id() as i32;
    // SAFETY: the buffer is ours and as large as we say; zeroed, every field is a valid number.
    let (written, info) = unsafe {
        let written = libc::proc_pidinfo(
            pid,
            libc::PROC_PIDTASKINFO,
            0,
            info.as_mut_ptr().cast(),
            size,
        );
        (written, info.assume_init())
    };
    if written != size {
        return Err(io::Error::other(
            "fork: cannot count this process's threads",
        ));
    }
    usize::try_from(info.pti_threadnum).map_err(io::Error::other)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn count() -> io::Result<usize> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "fork: cannot count this process's threads on this system, and forking beside other threads is unsafe",
    ))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_exiting_thread_is_told_by_its_flags() {
        let stat = |flags| format!("12 (odd) name) R 1 12 12 0 -1 {flags} 0 0 0 0");
        assert!(!is_exiting(&stat(4_194_304)));
        assert!(is_exiting(&stat(4_194_304 + 4)));
    }
}
