//! The judge of a chapter, and what it can judge on this machine.

use super::Record;
use crate::{
    build::Recipe,
    runner::{Status, TestResult},
};
use std::{collections::BTreeMap, time::Duration};

/// The judge of a chapter: the reference solution's test binary, and what it can judge on this machine.
#[derive(Debug)]
pub struct Judge {
    pub(super) binary: tempfile::TempPath,
    /// How submissions are compiled.
    pub(super) recipe: Recipe,
    pub(super) tests: Vec<String>,
    /// How long the reference solution took, compiled as a submission and run.
    pub(super) pace: Duration,
    /// How long all its tests took.
    pub(super) run: Duration,
    /// Tests that the reference solution itself does not pass here, with the reason. A failure of one is no verdict.
    pub(super) excluded: BTreeMap<String, (Status, String)>,
}

impl Judge {
    /// How long the reference solution took on this machine, compiled as a submission and run.
    #[must_use]
    pub fn pace(&self) -> Duration {
        self.pace
    }

    /// Processor time that calls of one function of a submission may use until they answer: several times what the reference
    /// solution took for all tests, since a right answer may well be slower. Nothing while that isn't known.
    pub(super) fn computes(&self) -> Option<Duration> {
        const LEAST: Duration = Duration::from_secs(3);
        (!self.run.is_zero()).then(|| (4 * self.run).max(LEAST))
    }

    /// Excludes the tests that the reference solution does not pass on this machine.
    pub(super) fn with_baseline(mut self, results: Vec<TestResult>) -> Self {
        for result in results {
            if result.status != Status::Passed {
                let status = if result.status == Status::Skipped {
                    Status::Skipped
                } else {
                    Status::InfrastructureError
                };
                let why = match status {
                    Status::Skipped => result.message,
                    _ => format!(
                        "on this machine the reference solution itself does not pass ({}): {}",
                        result.status, result.message
                    ),
                };
                self.excluded.insert(result.test.clone(), (status, why));
            }
            self.tests.push(result.test);
        }
        self
    }

    /// Fills in what became of a test.
    pub(super) fn conclude(&self, record: Record, result: TestResult) -> Record {
        if result.status != Status::Passed
            && let Some((status, why)) = self.excluded.get(&result.test)
        {
            return Record {
                seconds: result.seconds,
                status: *status,
                message: why.clone(),
                ..record
            };
        }
        // To the one who learns, "not started" says more than "failed"; to the one who grades it is one kind of failed.
        let status = if result.status == Status::Unstarted {
            Status::Failed
        } else {
            result.status
        };
        Record {
            seconds: result.seconds,
            status,
            message: result.message,
            why: result.why,
            section: result.section,
            ..record
        }
    }
}
