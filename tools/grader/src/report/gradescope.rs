//! `results.json` for Gradescope, whose autograder judges one submission at a time.
//!
//! <https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format>

use super::units;
use crate::{grade::Record, runner::Status};
use serde_json::{Value, json};

/// Why there is no file for Gradescope, or for GitHub Classroom.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GradescopeError {
    /// It holds one submission, and these are more, or none.
    #[error("this report takes the results of one submission, and these are of {0}")]
    Submissions(usize),
    /// A score would be too low.
    #[error("{0} could not be judged: a score would be too low (grade again, then report)")]
    Unjudged(String),
}

/// The JSON: each test with its share of the points, all texts as plain text.
///
/// # Errors
/// See [`GradescopeError`].
pub fn gradescope(records: &[Record]) -> Result<String, GradescopeError> {
    one_submission(records)?;
    let tests: Vec<Value> = records.iter().map(test).collect();
    let seconds: f64 = records.iter().map(|record| record.seconds).sum();
    let report = json!({
        "execution_time": seconds.ceil(),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "tests": tests,
    });
    Ok(format!("{report:#}\n"))
}

/// Checks that the records are of one submission, and that each is a verdict.
pub(super) fn one_submission(records: &[Record]) -> Result<(), GradescopeError> {
    let units = units(records);
    let mut names: Vec<_> = units.iter().map(|unit| unit.submission).collect();
    names.dedup();
    if names.len() != 1 {
        return Err(GradescopeError::Submissions(names.len()));
    }
    if let Some(open) = records.iter().find(|record| !record.status.is_verdict()) {
        return Err(GradescopeError::Unjudged(open.test.clone()));
    }
    Ok(())
}

fn test(record: &Record) -> Value {
    let passed = record.status == Status::Passed;
    let why = record
        .why
        .as_deref()
        .map_or(String::new(), |why| format!("\n\n{why}"));
    json!({
        "name": format!("{} {}", record.exercise, record.test),
        "status": if passed { "passed" } else { "failed" },
        "score": if passed { record.points } else { 0.0 },
        "max_score": record.points,
        "output": format!("{}{why}", record.message),
    })
}
