//! Runs one program in a process group of its own, under a deadline, an output cap and a stop flag, and leaves nothing of it behind.

use crate::stop::Stop;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use std::{
    io::{self, BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

/// How often a running program is left to itself before the stop flag is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// How long output may still arrive once the program and its group are gone.
const DRAIN: Duration = Duration::from_secs(1);

/// The variable that marks every process of one run, also those that left the process group.
const MARK: &str = "COURSE_RUN";

/// What a program may take.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// From start to end.
    pub(crate) deadline: Duration,
    /// Bytes kept of each output stream; the rest is read and dropped.
    pub(crate) output: usize,
    /// Bytes of address space of each process, on Linux.
    pub(crate) memory: Option<u64>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// Killed at the deadline.
    Deadline,
    /// Killed because of the stop flag.
    Stopped,
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) taken: Duration,
}

enum Event {
    Exited,
    Line(String),
    Stdout(String),
    Stderr(String),
}

/// Runs `command` to its end; `on_line` gets each line of its stderr as it comes.
///
/// Whatever the program started is ended with it: first its process group, then every process that carries its mark.
pub(crate) fn run(
    mut command: Command,
    limits: &Limits,
    stop: &Stop,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<Outcome> {
    let mark = mark();
    command
        .env(MARK, &mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let started = Instant::now();
    let mut child = command.spawn()?;
    let group = Pid::from_child(&child);
    confine(group, limits);
    let events = watch(&mut child, group, limits.output);

    let mut end = None; // why we ended it, if we did
    let mut seen = Seen::default();
    loop {
        match events.recv_timeout(GLANCE) {
            Ok(Event::Exited) => break,
            Ok(Event::Line(line)) => on_line(&line),
            Ok(other) => seen.take(other),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if end.is_none() {
            end = if stop.is_set() {
                Some(End::Stopped)
            } else if started.elapsed() >= limits.deadline {
                Some(End::Deadline)
            } else {
                None
            };
            if end.is_some() {
                kill_group(group);
            }
        }
    }
    let taken = started.elapsed();
    // The leader is a zombie still, so the group's number cannot have gone to somebody else.
    kill_group(group);
    let status = child.wait()?;
    kill_marked(&mark);

    let until = Instant::now() + DRAIN;
    while !seen.complete() {
        match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Line(line)) => on_line(&line),
            Ok(other) => seen.take(other),
            Err(_) => break,
        }
    }
    Ok(Outcome {
        end: end.unwrap_or(End::Exited(status)),
        stdout: seen.stdout.unwrap_or_default(),
        stderr: seen.stderr.unwrap_or_default(),
        taken,
    })
}

#[derive(Default)]
struct Seen {
    stdout: Option<String>,
    stderr: Option<String>,
}

impl Seen {
    fn take(&mut self, event: Event) {
        match event {
            Event::Stdout(text) => self.stdout = Some(text),
            Event::Stderr(text) => self.stderr = Some(text),
            Event::Exited | Event::Line(_) => {}
        }
    }

    fn complete(&self) -> bool {
        self.stdout.is_some() && self.stderr.is_some()
    }
}

/// Reports the child's end and its output; a thread blocks for each, so that nothing has to be polled for.
fn watch(child: &mut Child, pid: Pid, cap: usize) -> Receiver<Event> {
    let (events, received) = mpsc::channel();
    let exit = events.clone();
    thread::spawn(move || {
        // NOWAIT leaves the zombie, and with it the number of its group, until we have ended the group.
        let wait = || {
            rustix::process::waitid(
                WaitId::Pid(pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            )
        };
        while matches!(wait(), Err(rustix::io::Errno::INTR)) {}
        let _ = exit.send(Event::Exited);
    });
    if let Some(stdout) = child.stdout.take() {
        let events = events.clone();
        thread::spawn(move || {
            let mut kept = Vec::new();
            let mut rest = BufReader::new(stdout);
            let _ = rest.by_ref().take(cap as u64).read_to_end(&mut kept);
            let _ = io::copy(&mut rest, &mut io::sink());
            let _ = events.send(Event::Stdout(lossy(kept)));
        });
    }
    if let Some(stderr) = child.stderr.take() {
        thread::spawn(move || {
            let kept = lines(BufReader::new(stderr), cap, &events);
            let _ = events.send(Event::Stderr(kept));
        });
    }
    received
}

/// Sends each line on and keeps the last `cap` bytes or so: the end of an error output says most.
fn lines(mut from: impl BufRead, cap: usize, events: &Sender<Event>) -> String {
    let mut kept = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = from.by_ref().take(cap as u64).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return lossy(kept);
        }
        kept.extend_from_slice(&line);
        if kept.len() > 2 * cap {
            kept.drain(..kept.len() - cap);
        }
        let text = String::from_utf8_lossy(&line);
        let _ = events.send(Event::Line(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{}.{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

fn kill_group(group: Pid) {
    // An error means that nobody is left.
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
}

/// Sets the limits that the system enforces; they pass on to everything the program starts.
///
/// The program runs already, but for microseconds: it has not got as far as starting another.
#[cfg(target_os = "linux")]
fn confine(pid: Pid, limits: &Limits) {
    use rustix::process::{Resource, Rlimit, prlimit};
    let at_most = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    // A crash is an everyday verdict here: it leaves no core dump.
    let _ = prlimit(Some(pid), Resource::Core, at_most(0));
    if let Some(bytes) = limits.memory {
        let _ = prlimit(Some(pid), Resource::As, at_most(bytes));
    }
}

#[cfg(not(target_os = "linux"))]
fn confine(_: Pid, _: &Limits) {}

/// Ends the processes that carry the mark: those that the program started and moved out of its group.
#[cfg(target_os = "linux")]
fn kill_marked(mark: &str) {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let wanted = format!("{MARK}={mark}");
    // One that starts another while we look is found in the next round.
    for _ in 0..8 {
        let mut found = false;
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(pid) = name
                .to_str()
                .and_then(|name| name.parse().ok())
                .and_then(Pid::from_raw)
            else {
                continue;
            };
            // The handle comes first: what is read and what is killed are then the same process.
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
                continue;
            };
            let Ok(environment) = std::fs::read(entry.path().join("environ")) else {
                continue;
            };
            if environment
                .split(|&byte| byte == 0)
                .any(|variable| variable == wanted.as_bytes())
            {
                found |= pidfd_send_signal(&handle, Signal::KILL).is_ok();
            }
        }
        if !found {
            break;
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn kill_marked(_: &str) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn limits(deadline: Duration) -> Limits {
        Limits {
            deadline,
            output: 1024,
            memory: None,
        }
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn run_sh(script: &str, limits: &Limits, stop: &Stop) -> Outcome {
        run(sh(script), limits, stop, &mut |_| {}).expect("sh starts")
    }

    /// Whether the process exists and is more than a zombie.
    fn lives(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !matches!(
            stat.rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next()),
            None | Some('Z' | 'X')
        )
    }

    fn wait_until_gone(pid: &str) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while lives(pid) {
            if Instant::now() > until {
                return false;
            }
            thread::yield_now();
        }
        true
    }

    #[test]
    fn the_status_and_both_outputs_come_back() {
        let outcome = run_sh(
            "echo out; echo err >&2; exit 3",
            &limits(Duration::from_secs(60)),
            &Stop::new(),
        );
        assert!(
            matches!(outcome.end, End::Exited(status) if status.code() == Some(3)),
            "{outcome:?}"
        );
        assert_eq!(
            (outcome.stdout.as_str(), outcome.stderr.as_str()),
            ("out\n", "err\n")
        );
    }

    #[test]
    fn a_signal_is_told_from_an_exit() {
        let outcome = run_sh(
            "kill -SEGV $$",
            &limits(Duration::from_secs(60)),
            &Stop::new(),
        );
        assert!(
            matches!(outcome.end, End::Exited(status) if status.signal() == Some(11)),
            "{outcome:?}"
        );
    }

    #[test]
    fn output_past_the_cap_is_dropped_and_does_not_block() {
        let script = "yes | head -c 300000; yes | head -c 300000 >&2; echo end >&2";
        let outcome = run_sh(script, &limits(Duration::from_secs(60)), &Stop::new());
        assert!(matches!(outcome.end, End::Exited(status) if status.success()));
        assert_eq!(outcome.stdout.len(), 1024);
        assert!(
            outcome.stderr.len() <= 3 * 1024 && outcome.stderr.ends_with("end\n"),
            "{}",
            outcome.stderr.len()
        );
    }

    #[test]
    fn the_deadline_ends_the_whole_group() {
        let outcome = run_sh(
            "sleep 1000 & echo $!; wait",
            &limits(Duration::from_millis(300)),
            &Stop::new(),
        );
        assert!(matches!(outcome.end, End::Deadline));
        assert!(
            wait_until_gone(outcome.stdout.trim()),
            "the background sleep lives on"
        );
    }

    #[test]
    fn a_stop_ends_a_program_at_once() {
        let stop = Stop::new();
        stop.now();
        let outcome = run_sh("sleep 1000", &limits(Duration::from_secs(600)), &stop);
        assert!(matches!(outcome.end, End::Stopped));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_left_the_group_is_ended_too() {
        let dir = tempfile::tempdir().expect("a folder");
        // `setsid` moves the sleeper to a session of its own, where killing the group does not reach it.
        let script = format!(
            "setsid sh -c 'echo $$ >{0}; exec sleep 1000 >/dev/null 2>&1' & until [ -s {0} ]; do sleep 0.01; done; cat {0}",
            dir.path().join("pid").display()
        );
        let outcome = run_sh(&script, &limits(Duration::from_secs(60)), &Stop::new());
        assert!(matches!(outcome.end, End::Exited(status) if status.success()));
        assert!(
            wait_until_gone(outcome.stdout.trim()),
            "the escaped sleep lives on"
        );
    }

    #[test]
    fn output_held_open_by_an_outsider_does_not_hang_us() {
        // The reader would wait for end of file as long as the sleeper holds the pipe; the mark ends the sleeper.
        let outcome = run_sh(
            "setsid sleep 1000 & echo started",
            &limits(Duration::from_secs(60)),
            &Stop::new(),
        );
        assert!(outcome.taken < Duration::from_secs(50));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_crash_leaves_no_core_dump_behind() {
        let outcome = run_sh(
            "until [ $(ulimit -H -c) = 0 ]; do sleep 0.01; done; ulimit -c",
            &limits(Duration::from_secs(60)),
            &Stop::new(),
        );
        assert_eq!(outcome.stdout.trim(), "0");
    }
}
