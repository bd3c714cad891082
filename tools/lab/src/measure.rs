//! Measures a claim once, by an experiment in a process of its own that leaves nothing behind.

use crate::python::{FLAGS, Python};
use crate::{Claim, Error, Measurement, Run, Runtime, Verdict};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use supervise::{End, Keep, Options, Stop, Stream};

/// What experiments need from outside.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The root of the course, where `tools/lab/experiments` is.
    pub root: &'a Path,
    /// A command that runs an experiment in Rust when a claim and a number of rounds are appended.
    pub rust: (PathBuf, Vec<OsString>),
    /// Set when the reader wants to stop.
    pub stop: &'a Stop,
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
    /// Returns its language, version and build.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        match self {
            Self::Rust => Runtime::rust(),
            Self::Python(python) => Runtime::of(python),
        }
    }

    /// Returns whether it has an experiment for the claim.
    #[must_use]
    pub fn can_measure(&self, claim: &Claim) -> bool {
        matches!(self, Self::Python(_)) || claim.experiment.is_some()
    }

    /// Returns the command that runs the experiment. `name` is a name of shared memory that it may use.
    fn command(&self, setup: &Setup<'_>, claim: &Claim, rounds: usize, name: &str) -> Command {
        let (mut command, name) = match self {
            Self::Rust => {
                let mut command = Command::new(&setup.rust.0);
                command.args(&setup.rust.1).arg(claim.id);
                (command, None)
            }
            Self::Python(python) => {
                let folder = setup.root.join("tools/lab/experiments");
                let mut command = Command::new(&python.executable);
                command.args(FLAGS);
                command.arg(folder.join(claim.stem()).with_extension("py"));
                (command, Some(name))
            }
        };
        command.arg(rounds.to_string()).args(name);
        command
    }
}

/// Runs the experiment of a claim once, and judges what it measured. Calls `on_round` after each round.
///
/// # Errors
/// [`Error::Experiment`] when it fails, takes too long, or does not measure what the claim lists.
/// [`Error::Stopped`] when the reader wants to stop. It never leaves a process or shared memory behind.
pub fn measure(
    setup: &Setup<'_>,
    claim: &'static Claim,
    subject: &Subject,
    rounds: usize,
    mut on_round: impl FnMut(),
) -> Result<Run, Error> {
    let runtime = subject.runtime();
    let failed = |why: String| Error::Experiment {
        claim: claim.id,
        runtime: runtime.to_string(),
        why,
    };
    let name = SharedName::new();
    let command = subject.command(setup, claim, rounds, &name.0);
    let taken_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut output = Output {
        claim,
        runtime: &runtime,
        promised: rounds,
        given: None,
        samples: BTreeMap::new(),
        done: 0,
    };
    let mut options = Options::new(setup.deadline);
    options.stderr = Keep::Last(64 << 10);
    options.flood = Some(64 << 20);
    let mut refused = None;
    let outcome = supervise::run(command, &options, setup.stop, |stream, line| {
        match stream {
            Stream::Stdout => match output.line(line) {
                Ok(true) => on_round(),
                Ok(false) => {}
                Err(why) => {
                    refused = Some(why);
                    return ControlFlow::Break(());
                }
            },
            Stream::Stderr => {} // the last line is looked at when it fails
        }
        ControlFlow::Continue(())
    });
    let outcome = outcome.map_err(|error| failed(format!("it cannot be started: {error}")))?;
    if let Some(why) = refused {
        return Err(failed(why));
    }
    match outcome.end {
        End::Stopped => return Err(Error::Stopped),
        end if end.is_success() => {}
        end => {
            let complaint = outcome.last_complaint();
            let complaint = complaint.map_or_else(String::new, |said| format!(": {said}"));
            return Err(failed(format!("it {end}{complaint}")));
        }
    }
    let (given, measurements) = output.finish().map_err(failed)?;
    let mut run = Run {
        taken_at,
        given,
        measurements,
        verdict: Verdict::not_shown(""),
        runtime: runtime.clone(),
    };
    run.verdict = (claim.judge)(&run);
    Ok(run)
}

/// A line that an experiment prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    rounds: Option<usize>,
    given: Option<BTreeMap<String, u64>>,
    round: Option<BTreeMap<String, Option<f64>>>,
}

/// What an experiment has printed so far.
struct Output<'a> {
    claim: &'static Claim,
    runtime: &'a Runtime,
    promised: usize,
    given: Option<BTreeMap<String, u64>>,
    samples: BTreeMap<&'static str, Vec<f64>>,
    done: usize,
}

impl Output<'_> {
    /// Takes a line, and returns whether it was a round.
    fn line(&mut self, text: &str) -> Result<bool, String> {
        let line: Line = serde_json::from_str(text)
            .map_err(|error| format!("it printed a line that is not the expected JSON: {error}"))?;
        match (line.rounds, line.given, line.round) {
            (Some(rounds), Some(given), None)
                if self.given.is_none() && rounds == self.promised =>
            {
                self.given = Some(given);
                Ok(false)
            }
            (None, None, Some(round)) if self.given.is_some() => {
                self.round(round)?;
                Ok(true)
            }
            _ => Err("it printed lines out of order".into()),
        }
    }

    fn round(&mut self, mut round: BTreeMap<String, Option<f64>>) -> Result<(), String> {
        for metric in self.claim.metrics_of(self.runtime.language) {
            let value = round
                .remove(metric.id)
                .ok_or_else(|| format!("it did not measure {}", metric.id))?;
            self.samples.entry(metric.id).or_default().extend(value);
        }
        if let Some(id) = round.keys().next() {
            return Err(format!("it measured {id}, which the claim does not list"));
        }
        self.done += 1;
        Ok(())
    }

    fn finish(self) -> Result<(BTreeMap<String, u64>, Vec<Measurement>), String> {
        let given = self.given.ok_or("it printed nothing")?;
        if self.done != self.promised {
            let (done, promised) = (self.done, self.promised);
            return Err(format!("it ended after {done} of {promised} rounds"));
        }
        let metrics = self.claim.metrics_of(self.runtime.language);
        let measured = metrics.filter_map(|metric| {
            let values = self.samples.get(metric.id)?;
            Measurement::new(metric.id, metric.unit.name, values)
        });
        Ok((given, measured.collect()))
    }
}

/// A name of shared memory that an experiment may use. Dropping this removes it.
struct SharedName(String);

impl SharedName {
    /// Returns a name of this process's own, after removing those that killed labs left behind.
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        sweep();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let pid = std::process::id();
        Self(format!("lab-{}-{pid}-{number}", namespace()))
    }
}

impl Drop for SharedName {
    fn drop(&mut self) {
        let _ = rustix::shm::unlink(format!("/{}", self.0)); // usually it is gone already
    }
}

/// Removes the shared memory of labs that no longer run.
fn sweep() {
    let prefix = format!("lab-{}-", namespace());
    // Only Linux lists the names.
    for entry in std::fs::read_dir("/dev/shm")
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let rest = name
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split_once('-'));
        if let Some((pid, _)) = rest
            && !Path::new("/proc").join(pid).exists()
        {
            let _ = rustix::shm::unlink(format!("/{name}"));
        }
    }
}

/// Identifies the pid namespace: containers may share `/dev/shm` while a pid means another process in each.
fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digits = link.to_string_lossy();
    digits.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_memory_of_a_dead_lab_is_swept_and_that_of_a_living_one_stays() {
        if !cfg!(target_os = "linux") {
            return;
        }
        let mut child = Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let name = |pid: u32| format!("/dev/shm/lab-{}-{pid}-test", namespace());
        let (dead, alive) = (name(dead), name(std::process::id()));
        for path in [&dead, &alive] {
            std::fs::write(path, "").unwrap();
        }
        sweep();
        let exist = [&dead, &alive].map(|path| Path::new(path).exists());
        std::fs::remove_file(&alive).unwrap();
        assert_eq!(exist, [false, true]);
    }
}
