//! The tests of the chapter "Crash isolation: who dies with whom?": the judge's side, which knows nothing of the learner's crate.

pub mod bank;
pub mod crash_matrix;
pub mod end_of_file;
pub mod outcome;
pub mod pool;
pub mod supervisor;
mod support;

use checks::Chapter;
use os_core::process::Crash;
use os_core::time::Clock;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

/// How a process ended: step 1's `Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It exited with this code.
    Exited(i32),
    /// A signal killed it.
    Killed {
        /// Which.
        signal: i32,
        /// Whether there is a core file.
        core_dumped: bool,
    },
}

impl Outcome {
    /// The death by SIGKILL.
    pub const SIGKILL: Self = Self::Killed {
        signal: 9,
        core_dumped: false,
    };
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed {
                signal,
                core_dumped,
            } => {
                let core = if *core_dumped { " and dumped core" } else { "" };
                let name = os_core::process::signal_name(*signal);
                write!(f, "was killed by {name}{core}")
            }
        }
    }
}

/// Step 2's `Fate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// How the process that had the crash ended.
    pub process: Outcome,
    /// Whether the bystander was there afterwards.
    pub bystander_survived: bool,
}

/// Step 3's `Policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The delay after the first crash.
    pub first_delay: Duration,
    /// The longest delay.
    pub max_delay: Duration,
    /// The most crashes within the window.
    pub limit: usize,
    /// How long a crash counts.
    pub window: Duration,
}

/// Step 3's `Service`.
pub type Service<'a> = &'a dyn Fn() -> io::Result<()>;

/// Step 3's `Verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// All services are done.
    AllDone,
    /// One crashed too often.
    GaveUp {
        /// Which.
        service: usize,
        /// How it ended.
        last: Outcome,
    },
}

/// Step 4's `Failure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// How the worker ended.
    pub outcome: Outcome,
    /// Its crash report's message.
    pub message: Option<String>,
}

/// What step 4 has for each task.
pub type Answer = Result<u64, Failure>;

/// `Bank::transfer`.
pub type Transfer = Box<dyn Fn(usize, usize, u64) -> io::Result<bool>>;

/// `Bank::balances`.
pub type Balances = Box<dyn Fn() -> io::Result<Vec<u64>>>;

/// Step 5's `Bank`, as the tests use it.
pub struct Bank {
    /// `Bank::transfer`.
    pub transfer: Transfer,
    /// `Bank::balances`.
    pub balances: Balances,
}

/// `pool::run_tasks`.
pub type RunTasks = fn(&[u64], usize, usize, &dyn Fn(u64) -> u64) -> io::Result<Vec<Answer>>;

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `Outcome::from_status`.
    pub from_status: fn(i32) -> Outcome,
    /// Step 1: the status, decoded and in words.
    pub display: fn(i32) -> String,
    /// Step 1: this `Outcome` in words.
    pub display_made: fn(Outcome) -> String,
    /// Step 1: `CrashReport::decode`: the task and the message.
    pub decode: fn(&[u8]) -> Option<(u64, String)>,
    /// Step 2: `crash_in_thread`.
    pub crash_in_thread: fn(Crash) -> io::Result<Fate>,
    /// Step 2: `crash_in_process`.
    pub crash_in_process: fn(Crash) -> io::Result<Fate>,
    /// Step 3: `Restarts::after_crash` at each of these times: the delay, or `None` to give up.
    pub after_crashes: fn(Policy, &[Duration]) -> Vec<Option<Duration>>,
    /// Step 3: `supervise`.
    pub supervise: fn(&[Service<'_>], Policy, &mut dyn Clock) -> io::Result<Verdict>,
    /// Step 4: `run_tasks`.
    pub run_tasks: RunTasks,
    /// Step 5: a new `Bank`.
    pub bank: fn(&[u64]) -> io::Result<Bank>,
    /// Step 6: `holders`.
    pub holders: fn(u64, &[u32]) -> io::Result<Vec<u32>>,
    /// Step 6: `sum_in_workers`.
    pub sum_in_workers: fn(&[Vec<u8>]) -> io::Result<Vec<u64>>,
}

/// Why the tests of three steps need Linux.
const PIDFD: &str = "the tests watch processes that the learner's code started, by pidfd";

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "crash_isolation",
            steps: &[
                checks::step!(outcome),
                checks::step!(crash_matrix, linux = PIDFD),
                checks::step!(supervisor, linux = PIDFD),
                checks::step!(pool, linux = PIDFD),
                checks::step!(
                    bank,
                    linux = "only Linux has robust locks between processes"
                ),
                checks::step!(end_of_file, linux = "/proc tells who holds a descriptor"),
            ],
        },
        learner,
    )
}
