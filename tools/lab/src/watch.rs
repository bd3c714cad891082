//! Runs a program under a deadline, with all its children in one process group.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Why a program did not come to a good end.
#[derive(Debug, PartialEq)]
pub enum End {
    Stopped,
    Failed(String),
}

impl From<String> for End {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// A program and all its children, ended when this is dropped.
struct Group(Child);

impl Group {
    fn id(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.0.id()).ok()?)
    }

    /// Whether the program has ended. It is not reaped, so that the group's number stays its own.
    fn has_ended(&self) -> bool {
        let Some(id) = self.id() else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(id), options), Ok(None))
    }

    /// Ends what is left of the group, and says how the program itself ended.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(id) = self.id() {
            let _ = kill_process_group(id, Signal::KILL); // it has ended already, mostly
        }
        self.0.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// How often the watchdog looks up.
const TICK: Duration = Duration::from_millis(50);

/// How long output may keep coming after the program has ended: from a child of it that is ending too.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a program in a group of its own and hands its lines of output over, until it ends or should.
pub fn watch(
    command: &mut Command,
    deadline: Duration,
    stop: &AtomicBool,
    mut on_line: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), End> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start it: {error}"))?;
    let mut group = Group(child);
    let (sender, lines) = mpsc::channel();
    let (stdout, stderr) = (group.0.stdout.take(), group.0.stderr.take());
    std::thread::spawn(move || {
        for line in stdout
            .into_iter()
            .flat_map(|out| BufReader::new(out).lines())
        {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let (sender, complaint) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(stderr) = stderr {
            let mut stderr = stderr;
            let _ = stderr.by_ref().take(1 << 16).read_to_end(&mut text);
            let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
            let _ = std::io::copy(&mut stderr, &mut std::io::sink()); // else it would block
        }
    });

    let start = Instant::now();
    let mut ended = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => on_line(&line)?,
            Err(RecvTimeoutError::Disconnected) if ended.is_some() || group.has_ended() => break,
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(1)), // closed its output early
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stop.load(Ordering::Relaxed) {
            return Err(End::Stopped);
        }
        if start.elapsed() > deadline {
            return Err(End::Failed(format!(
                "it did not end within {} s",
                deadline.as_secs()
            )));
        }
        if ended.is_none() && group.has_ended() {
            ended = Some(Instant::now());
        }
        if ended.is_some_and(|at| at.elapsed() > GRACE) {
            break;
        }
    }
    let status = group
        .end()
        .map_err(|error| format!("cannot wait for it: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = complaint.recv_timeout(GRACE).unwrap_or_default();
    let said = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing");
    Err(End::Failed(format!(
        "it ended with {status}: {}",
        said.trim()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    const LONG: Duration = Duration::from_secs(60);

    fn is_alive(pid: &str) -> bool {
        // A zombie is dead: its parent, init, only has not looked yet.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    #[test]
    fn lines_are_handed_over_as_they_come() {
        let mut lines = Vec::new();
        let go = AtomicBool::new(false);
        let done = watch(&mut sh("echo a; echo b"), LONG, &go, |line| {
            lines.push(line.to_owned());
            Ok(())
        });
        assert_eq!(
            (done, lines),
            (Ok(()), vec!["a".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn a_failure_names_the_status_and_the_last_complaint() {
        let go = AtomicBool::new(false);
        let done = watch(
            &mut sh("echo first >&2; echo why >&2; exit 7"),
            LONG,
            &go,
            |_| Ok(()),
        );
        assert_eq!(
            done,
            Err(End::Failed("it ended with exit status: 7: why".into()))
        );
        let done = watch(&mut sh("kill -9 $$"), LONG, &go, |_| Ok(()));
        let Err(End::Failed(why)) = done else {
            panic!("{done:?}")
        };
        assert!(why.starts_with("it ended with signal: 9"), "{why}");
    }

    #[test]
    fn at_the_deadline_the_whole_group_is_ended() {
        let go = AtomicBool::new(false);
        let mut pid = String::new();
        let done = watch(
            &mut sh("sleep 600 & echo $!; wait"),
            Duration::from_millis(300),
            &go,
            |line| {
                line.clone_into(&mut pid);
                Ok(())
            },
        );
        assert_eq!(done, Err(End::Failed("it did not end within 0 s".into())));
        gone(&pid);
    }

    #[test]
    fn on_ctrl_c_the_whole_group_is_ended() {
        let stop = AtomicBool::new(false);
        let mut pid = String::new();
        let done = watch(&mut sh("sleep 600 & echo $!; wait"), LONG, &stop, |line| {
            line.clone_into(&mut pid);
            stop.store(true, Ordering::Relaxed);
            Ok(())
        });
        assert_eq!(done, Err(End::Stopped));
        gone(&pid);
    }

    #[test]
    fn a_child_left_behind_is_ended_and_not_waited_for() {
        let go = AtomicBool::new(false);
        let mut pid = String::new();
        let done = watch(&mut sh("sleep 600 & echo $!"), LONG, &go, |line| {
            line.clone_into(&mut pid);
            Ok(())
        });
        assert_eq!(done, Ok(()));
        gone(&pid);
    }

    /// The kill was sent; the kernel may take a moment to carry it out.
    fn gone(pid: &str) {
        assert!(!pid.is_empty());
        if cfg!(target_os = "linux") {
            let start = Instant::now();
            while is_alive(pid) {
                assert!(start.elapsed() < LONG, "{pid} is still there");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
