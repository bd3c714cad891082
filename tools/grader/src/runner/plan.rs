//! What to run, and why it could not be run.

use crate::sandbox::Sandbox;
use std::{io, path::PathBuf, time::Duration};

/// Tests mostly wait for their subjects, so more of them than there are processors run at the same time.
const JOBS: usize = 4;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The test binary that decides.
    pub judge: PathBuf,
    /// The test binary that runs the code to be judged; without one the judge does both.
    pub subject: Option<PathBuf>,
    /// All tests of the judge in their order, where they are known; it is asked otherwise.
    pub tests: Vec<String>,
    /// A step, or one test by its full name; without it every test.
    pub only: Option<String>,
    /// The folder that the tests run in; without one the current folder.
    pub dir: Option<PathBuf>,
    /// How long one test may take. The judge's own deadline per subject is far shorter.
    pub deadline: Duration,
    /// Processor time that calls of one function may use until they answer.
    pub computes: Option<Duration>,
    /// How long all tests together may take. What is open then has timed out.
    pub budget: Option<Duration>,
    /// How many tests run at the same time.
    pub jobs: usize,
    /// For code that isn't one's own: withholds the environment but for what a test needs, and bounds the memory of each
    /// process and the size of the files it writes.
    pub untrusted: bool,
    /// Whether a failing model run saves its schedule and names the file. The learner who reads a mark can't reach it.
    pub saves_schedules: bool,
    /// The folder that the tests' shared memory is in, if the system has one: `/dev/shm` on Linux. While nothing can be
    /// written there, no failure is a verdict.
    pub shared_memory: Option<PathBuf>,
    /// What the judge and its subject run in. It needs a `subject`, and makes `dir` and `shared_memory` of its own.
    pub sandbox: Sandbox,
    /// Folders that the judge reads; only a sandbox asks.
    pub readable: Vec<PathBuf>,
}

impl Plan {
    /// Every test of `judge`, which judges itself: what a learner runs.
    #[must_use]
    pub fn new(judge: impl Into<PathBuf>) -> Self {
        Self {
            judge: judge.into(),
            subject: None,
            tests: Vec::new(),
            only: None,
            dir: None,
            deadline: Duration::from_secs(60),
            computes: None,
            budget: None,
            jobs: JOBS,
            untrusted: false,
            saves_schedules: true,
            shared_memory: cfg!(target_os = "linux").then(|| "/dev/shm".into()),
            sandbox: Sandbox::none(),
            readable: Vec::new(),
        }
    }
}

/// Why the tests could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The judge could not be started.
    #[error("cannot start the tests {}: {cause} (build them again)", path.display())]
    Start {
        /// The test binary.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// The judge did not name its tests.
    #[error("{} does not list its tests: {problem}", path.display())]
    List {
        /// The test binary.
        path: PathBuf,
        /// What it did instead.
        problem: String,
    },
    /// No test fits [`Plan::only`].
    #[error("no test or step is called `{only}` (steps: {})", steps.join(", "))]
    Nothing {
        /// What was asked for.
        only: String,
        /// What there is.
        steps: Vec<String>,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}
