//! What became of a test.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of one test, ordered by what to show a learner first: what is written and wrong says more than a timeout, and
/// that more than what isn't written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The subject did what the test asks.
    Passed,
    /// An assertion of the judge did not hold, or the learner's code panicked.
    Failed,
    /// The subject died: a signal, an abort, or an exit without an answer.
    Crash,
    /// The subject gave no answer in time.
    Timeout,
    /// The subject's processes together used more memory than a submission may.
    MemoryLimit,
    /// The subject printed more than a submission may.
    OutputLimit,
    /// The subject reached the `todo!` of the untouched starter.
    Unstarted,
    /// The submission does not compile.
    CompileError,
    /// The compiler did not finish with the submission in time, while it does with the reference solution.
    CompileTimeout,
    /// The submission is not one: the reason names the file and the rule.
    Rejected,
    /// The test could not run on this machine; the message says what is missing. Never a learner's zero.
    Skipped,
    /// Something of ours failed, not the submission. Never a learner's zero.
    #[serde(alias = "infrastructure")]
    InfrastructureError,
}

impl Status {
    /// Whether this says something about the learner's code. If not, it must not count as a zero.
    #[must_use]
    pub fn is_verdict(self) -> bool {
        !matches!(self, Self::Skipped | Self::InfrastructureError)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::MemoryLimit => "memory limit",
            Self::OutputLimit => "output limit",
            Self::CompileTimeout => "compile timeout",
            Self::Unstarted => "not started",
            Self::Failed => "failed",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::CompileError => "compile error",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::InfrastructureError => "infrastructure error",
        })
    }
}

/// What only a subject can say of itself: a submission that takes over its own process could invent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// What the learner's code did, and in which order: the subject's ledger.
    Events,
    /// That something failed, died or stood still at the moment that the test chose: the harness in the subject sees to it.
    Faults,
    /// Children, threads, descriptors and mappings that a call left, which the subject reads from the kernel.
    Leftovers,
    /// What the test's own code in the subject saw, counted or compared.
    Observations,
    /// What came out of model runs, which happen in the subject.
    Schedules,
}

impl Account {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Events,
        Self::Faults,
        Self::Leftovers,
        Self::Observations,
        Self::Schedules,
    ];

    /// Its name in results, and in `self_reported.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Faults => "faults",
            Self::Leftovers => "leftovers",
            Self::Observations => "observations",
            Self::Schedules => "schedules",
        }
    }
}

/// One line of the file that `CHECKS_REPORT` names, one for each test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `<step>::<test>`.
    pub test: String,
    /// What became of it.
    pub status: Status,
    /// What the learner is shown; empty when the test passed.
    #[serde(default)]
    pub message: String,
    /// What the failure means, where the test knows it.
    #[serde(default)]
    pub why: Option<String>,
    /// The section of the book that clears it up, as `memory/exercise.md#two-additions-one-lost`.
    #[serde(default)]
    pub section: Option<String>,
    /// `CHECKS_SEED` with this value replays the test's random inputs.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What the verdict rests on that only the subject can say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub self_reported: Vec<Account>,
    /// Seconds from the start of the test to its end.
    #[serde(default)]
    pub seconds: f64,
    /// Whether SIGKILL ended the subject, or what it runs in: if its own code didn't send it, somebody else did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub killed: bool,
}

impl Report {
    /// The step that the test belongs to.
    #[must_use]
    pub fn step(&self) -> &str {
        step(&self.test)
    }
}

/// The step of a test called `<step>::<test>`.
#[must_use]
pub fn step(test: &str) -> &str {
    test.split("::").next().unwrap_or(test)
}
