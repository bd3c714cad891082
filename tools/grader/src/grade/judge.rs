//! The judge of a chapter, and what it can judge on this machine.

use super::Record;
use crate::runner::{Status, TestResult};
use std::collections::BTreeMap;

/// The judge of a chapter: the reference solution's test binary, and what it can judge on this machine.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) binary: tempfile::TempPath,
    pub(super) tests: Vec<String>,
    /// Tests that the reference solution itself does not pass here, with the reason. A failure of one is no verdict.
    pub(super) excluded: BTreeMap<String, (Status, String)>,
}

impl Judge {
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
