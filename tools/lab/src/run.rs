//! Runs an experiment: in a process of its own, under a watchdog, with nothing left behind.

use crate::python::{FLAGS, Python};
use crate::{Claim, Error, Measurement, Run, Runtime, Verdict};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

/// What experiments need from outside.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The root of the course, where `tools/lab/experiments` is.
    pub root: &'a Path,
    /// A command that runs an experiment in Rust when a claim and a number of rounds are appended.
    pub rust: (PathBuf, Vec<OsString>),
    /// Set when the reader wants to stop.
    pub stop: &'a AtomicBool,
    /// How long one experiment may take.
    pub deadline: Duration,
}

/// What runs an experiment.
#[derive(Clone, Debug)]
pub enum Subject {
    /// The Rust that this crate was compiled with.
    Rust,
    /// A Python.
    Python(Python),
}

impl Subject {
    /// What it is.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        match self {
            Self::Rust => Runtime::rust(),
            Self::Python(python) => python.runtime.clone(),
        }
    }
}

/// A line that an experiment prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    rounds: Option<usize>,
    given: Option<BTreeMap<String, u64>>,
    round: Option<BTreeMap<String, Option<f64>>>,
}

/// Runs the experiment of a claim once, and judges what it measured. `on_round` is called after each round.
///
/// # Errors
/// [`Error::Experiment`] when it fails, takes too long, or does not measure what the claim says;
/// [`Error::Stopped`] when the reader wants to stop. No process and no shared memory of it is left in any case.
pub fn measure(
    setup: &Setup<'_>,
    claim: &'static Claim,
    subject: &Subject,
    rounds: usize,
    mut on_round: impl FnMut(),
) -> Result<Run, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let runtime = subject.runtime();
    let failed = |why: String| Error::Experiment {
        claim: claim.id,
        runtime: runtime.to_string(),
        why,
    };
    let name = format!(
        "lab-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let mut command = match subject {
        Subject::Rust => {
            let mut command = Command::new(&setup.rust.0);
            command
                .args(&setup.rust.1)
                .arg(claim.id)
                .arg(rounds.to_string());
            command
        }
        Subject::Python(python) => {
            let script = setup
                .root
                .join("tools/lab/experiments")
                .join(format!("{}.py", claim.id));
            let mut command = Command::new(&python.path);
            command
                .args(FLAGS)
                .arg(script)
                .arg(rounds.to_string())
                .arg(&name);
            command
        }
    };
    let _name = SharedName(&name);
    let taken_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut given = None;
    let mut samples: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut done = 0;
    let metrics = || {
        claim
            .metrics
            .iter()
            .filter(|metric| metric.is_for(runtime.language))
    };
    watch(&mut command, setup.deadline, setup.stop, |text| {
        let line: Line = serde_json::from_str(text)
            .map_err(|error| format!("it printed something else than JSON: {error}"))?;
        match line {
            Line {
                rounds: Some(promised),
                given: Some(what),
                round: None,
            } if given.is_none() && promised == rounds => given = Some(what),
            Line {
                rounds: None,
                given: None,
                round: Some(mut round),
            } if given.is_some() => {
                for metric in metrics() {
                    let value = round
                        .remove(metric.id)
                        .ok_or_else(|| format!("it did not measure {}", metric.id))?;
                    samples.entry(metric.id).or_default().extend(value);
                }
                if let Some(id) = round.keys().next() {
                    return Err(format!("it measured {id}, which the claim does not list"));
                }
                done += 1;
                on_round();
            }
            _ => return Err("it printed lines out of order".into()),
        }
        Ok(())
    })
    .map_err(|end| match end {
        End::Stopped => Error::Stopped,
        End::Failed(why) => failed(why),
    })?;
    let given = given.ok_or_else(|| failed("it printed nothing".into()))?;
    if done != rounds {
        return Err(failed(format!("it ended after {done} of {rounds} rounds")));
    }
    let measurements = metrics()
        .filter_map(|metric| Measurement::new(metric.id, metric.unit, samples.get(metric.id)?));
    let mut run = Run {
        taken_at,
        given,
        measurements: measurements.collect(),
        verdict: Verdict::not_shown(String::new()),
        runtime: runtime.clone(),
    };
    run.verdict = (claim.judge)(&run);
    Ok(run)
}

/// A name of shared memory that an experiment may use; taken away when this is dropped.
struct SharedName<'a>(&'a str);

impl Drop for SharedName<'_> {
    fn drop(&mut self) {
        let _ = rustix::shm::unlink(format!("/{}", self.0)); // mostly it is gone already
    }
}

/// Why a program did not come to a good end.
#[derive(Debug, PartialEq)]
enum End {
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
fn watch(
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
