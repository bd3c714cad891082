//! What one process can do to another from outside: stop it, let it go on, end it, see whose child it is and whether it waits.

use std::io;
use std::time::Duration;

/// For how long a process may compute on its way into a state. Not how long it takes: on a busy machine it may not run at all.
const PATIENCE: Duration = Duration::from_secs(1);

/// Stops a child of this process, and returns once it stands still.
///
/// # Errors
/// When it is gone.
pub fn stop(child: u32) -> io::Result<()> {
    signal(child, libc::SIGSTOP)?;
    wait_for_state(child, "TtZX");
    Ok(())
}

/// Lets a child that was stopped go on.
///
/// # Errors
/// When it is gone.
pub fn resume(child: u32) -> io::Result<()> {
    signal(child, libc::SIGCONT)
}

/// Asks a child of this process to end, by SIGTERM, as `kill` and systemd do.
///
/// # Errors
/// When it is gone.
pub fn terminate(child: u32) -> io::Result<()> {
    signal(child, libc::SIGTERM)
}

fn signal(child: u32, signal: i32) -> io::Result<()> {
    if parent_of(child) != Some(std::process::id()) {
        return Err(io::Error::other(format!(
            "process {child} is no child of this one"
        )));
    }
    let child = libc::pid_t::try_from(child).map_err(io::Error::other)?;
    // SAFETY: kill takes plain numbers. The process is our child, and only this process could reap it.
    match unsafe { libc::kill(child, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Waits until a process is blocked by something that it waits for, or has ended. Gives up on one that computes all the time.
pub fn wait_until_asleep(pid: u32) {
    wait_for_state(pid, "SZX");
}

/// The parent of a process, if there is such a process.
#[must_use]
pub fn parent_of(pid: u32) -> Option<u32> {
    fields(pid)?.1
}

fn wait_for_state(pid: u32, states: &str) {
    let begin = processor_time(pid);
    while let Some((state, _)) = fields(pid) {
        if states.contains(state) || processor_time(pid).saturating_sub(begin) > PATIENCE {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// Whether a process wants to go on: it computes, waits for the processor, or for a disk. One that doesn't waits for somebody.
#[must_use]
pub fn wants_to_run(pid: u32) -> bool {
    fields(pid).is_some_and(|(state, _)| matches!(state, 'R' | 'D'))
}

/// Processor time of a process's first thread; none where the kernel doesn't tell.
#[must_use]
pub fn processor_time(pid: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// The state and the parent, from `/proc/<pid>/stat`: `pid (name) state ppid …`, where the name may hold anything.
fn fields(pid: u32) -> Option<(char, Option<u32>)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next().and_then(|parent| parent.parse().ok())))
}
