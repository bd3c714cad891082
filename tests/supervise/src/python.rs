//! Finds the CPythons of a machine ([`Search`]), and asks each what it is ([`Python::probe`]).

mod search;

pub use search::Search;

use crate::{End, Keep, Options, Patience, Stop, run};
use std::{
    fmt, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A Python that hasn't said what it is after this long, and waits, has hung.
const DEADLINE: Duration = Duration::from_secs(20);

/// So has one that computes for this long. On a busy machine a Python took more than 20 s to start, and was reported as missing.
const COMPUTES: Duration = Duration::from_secs(60);

/// Answers in any Python, 2.7 included, so that an old one can be named as such. It imports nothing that isn't loaded anyway:
/// somebody waits for the answer.
const QUESTION: &str = r#"
import os, sys
gil = getattr(sys, "_is_gil_enabled", lambda: True)
system = os.uname()
base = getattr(sys, "_base_executable", None) or sys.executable
for key, value in (
    ("implementation", getattr(sys, "implementation", None) and sys.implementation.name or "unknown"),
    ("version", sys.version.split()[0].rstrip("+")),
    ("free_threaded", int("t" in getattr(sys, "abiflags", ""))),
    ("gil", int(gil())),
    ("system", "%s %s %s" % (system[0], ".".join(system[2].split("-")[0].split(".")[:2]), system[4])),
    ("executable", sys.executable),
    ("real", os.path.realpath(base)),
):
    print("%s=%s" % (key, value))
"#;

/// A CPython.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The program as it was found or named: perhaps a shim, a link or a virtual environment.
    pub path: PathBuf,
    /// The program behind a shim. Starting it saves the shim's own start.
    pub executable: PathBuf,
    /// The version: `3.13.0`, `3.15.0a2`.
    pub version: String,
    /// Whether it was built without the need for a GIL.
    pub free_threaded: bool,
    /// Whether the GIL is on.
    pub gil: bool,
    /// What it runs on: `Linux 6.18 x86_64`.
    pub system: String,
    /// The base interpreter: a virtual environment and a link to a Python are that Python.
    real: PathBuf,
}

impl Python {
    /// Asks a program what it is.
    ///
    /// # Errors
    /// When it can't be started, fails, says nothing in time, or isn't CPython.
    pub fn probe(path: &Path) -> Result<Self, Unusable> {
        let unusable = |why| Unusable {
            path: path.to_owned(),
            why,
        };
        let mut command = Command::new(path);
        command.args(["-E", "-S", "-c", QUESTION]);
        let go_on = |_, _: &str| ControlFlow::Continue(());
        let outcome = run(command, &options(), &Stop::new(), go_on);
        let outcome = outcome.map_err(|error| unusable(Why::NotStarted(error)))?;
        if !outcome.end.is_success() {
            let errors = outcome.stderr.text();
            let complaint = errors.lines().find(|line| !line.trim().is_empty()); // a shim says it first
            let complaint = complaint.map(str::to_owned);
            return Err(unusable(Why::Failed(outcome.end, complaint)));
        }
        let text = outcome.stdout.text();
        Self::parse(path, &text).map_err(unusable)
    }

    fn parse(path: &Path, answer: &str) -> Result<Self, Why> {
        let value = |key: &str| {
            let mut pairs = answer.lines().filter_map(|line| line.split_once('='));
            let found = pairs.find(|(name, _)| *name == key);
            found.map(|(_, value)| value).ok_or(Why::NoAnswer)
        };
        let (implementation, version) = (value("implementation")?, value("version")?);
        if implementation != "cpython" && !version.starts_with("2.") {
            return Err(Why::NotCPython(implementation.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            executable: value("executable")?.into(),
            version: version.to_owned(),
            free_threaded: value("free_threaded")? == "1",
            gil: value("gil")? == "1",
            system: value("system")?.to_owned(),
            real: value("real")?.into(),
        })
    }

    /// The version as numbers; `3.14.0rc2` is (3, 14, 0).
    #[must_use]
    pub fn release(&self) -> (u32, u32, u32) {
        let mut numbers = self.version.split('.').map(|part| {
            let end = part.find(|letter: char| !letter.is_ascii_digit());
            part[..end.unwrap_or(part.len())].parse().unwrap_or(0)
        });
        let mut next = || numbers.next().unwrap_or(0);
        (next(), next(), next())
    }

    /// Checks that it is at least of version `oldest`.
    ///
    /// # Errors
    /// When it is older.
    pub fn at_least(self, oldest: (u32, u32)) -> Result<Self, Unusable> {
        let (major, minor, _) = self.release();
        if (major, minor) >= oldest {
            return Ok(self);
        }
        Err(Unusable {
            path: self.path,
            why: Why::TooOld {
                version: self.version,
                oldest,
            },
        })
    }

    /// Asks for `multiprocessing`'s default start method: `fork`, `spawn` or `forkserver`. `None` if it doesn't answer.
    #[must_use]
    pub fn start_method(&self) -> Option<String> {
        let mut command = Command::new(&self.executable);
        let ask = "import multiprocessing; print(multiprocessing.get_start_method())";
        command.args(["-E", "-s", "-c", ask]);
        crate::answer(command, DEADLINE)
    }
}

/// As `Python 3.13.0 (GIL)`.
impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let build = match (self.free_threaded, self.gil) {
            (false, _) => "GIL",
            (true, false) => "free-threaded",
            (true, true) => "free-threaded, GIL on",
        };
        write!(f, "Python {} ({build})", self.version)
    }
}

fn options() -> Options {
    let mut options = Options::new(COMPUTES);
    options.patience = Patience::new(DEADLINE, COMPUTES);
    options.stdout = Keep::First(1 << 16);
    options.flood = Some(1 << 20);
    options.sweep = false; // an interpreter starts nothing, and a sweep looks at every process of the machine
    options
}

/// Why a program can't be used as a Python. Displays as `/usr/bin/perl: it does not answer as a Python does`.
#[derive(Debug)]
pub struct Unusable {
    /// The program.
    pub path: PathBuf,
    /// The reason.
    pub why: Why,
}

/// What is wrong with a program that should be a Python.
#[derive(Debug)]
pub enum Why {
    /// It can't be started.
    NotStarted(io::Error),
    /// It failed, or its time was up; and the first line that it wrote to standard error.
    Failed(End, Option<String>),
    /// It answered something else.
    NoAnswer,
    /// It is another implementation of Python.
    NotCPython(String),
    /// Its version is too old.
    TooOld {
        /// Its version.
        version: String,
        /// The oldest version that will do.
        oldest: (u32, u32),
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unusable {}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "it cannot be started: {error}"),
            Self::Failed(end, complaint) => {
                write!(f, "it {end} when asked for its version")?;
                match complaint {
                    Some(said) => write!(f, ": {said}"),
                    None => Ok(()),
                }
            }
            Self::NoAnswer => write!(f, "it does not answer as a Python does"),
            Self::NotCPython(name) => write!(f, "it is {name}, not CPython"),
            Self::TooOld {
                version,
                oldest: (major, minor),
            } => write!(f, "it is Python {version}, and {major}.{minor} is needed"),
        }
    }
}
