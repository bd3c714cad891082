//! What the reporter of GitHub Classroom's autograding takes from a runner: JSON, of which a workflow makes base64 and puts it into
//! the variable `<RUNNER>_RESULTS`. GitHub retired Classroom in August 2026; the reporter still writes the points into the run's log
//! and annotations.
//!
//! <https://github.com/classroom-resources/autograding-grading-reporter>: it adds up `score` of the `tests` and `max_score` of the
//! runners, leaves out a runner whose `max_score` is 0, and fails the job where a runner's `status` is `fail` or `error`. The tests
//! here check what its `main.js`, `console-results.js` and `notify-classroom.js` need.

use super::{GradescopeError, Marks, units};
use crate::{grade::Record, runner::Status};
use serde_json::{Value, json};

/// The most bytes of a message: all of it has to fit into one environment variable, of 128 KiB.
const MESSAGE: usize = 1000;

/// The JSON: a test for each step. A step that isn't passed in full has the points of its tests that are.
///
/// # Errors
/// When there is more than one submission, or something could not be judged: a score would be too low.
pub fn classroom(records: &[Record]) -> Result<String, GradescopeError> {
    super::gradescope::one_submission(records)?;
    let mut tests = Vec::new();
    for unit in units(records) {
        let mut at = 0;
        while at < unit.records.len() {
            let same = |record: &&&Record| record.step == unit.records[at].step;
            let step = unit.records[at..].iter().take_while(same).count();
            tests.push(test(&unit.records[at..at + step]));
            at += step;
        }
    }
    let all: Marks = records.iter().map(Marks::of).sum();
    let is_good = records.iter().all(|record| record.status == Status::Passed);
    let report = json!({
        "version": 1,
        "status": if is_good { "pass" } else { "fail" },
        "max_score": rounded(all.out_of),
        "tests": tests,
    });
    Ok(format!("{report}\n"))
}

fn test(records: &[&Record]) -> Value {
    let first = records[0];
    let marks: Marks = records.iter().map(|record| Marks::of(record)).sum();
    let failed = records
        .iter()
        .find(|record| record.status != Status::Passed);
    let message = failed.map(|record| {
        let why = record.why.as_deref().unwrap_or_default();
        cut(format!("{}: {}\n{why}", record.test, record.message).trim())
    });
    let seconds: f64 = records.iter().map(|record| record.seconds).sum();
    json!({
        "name": format!("{} {}", first.exercise, first.step).trim(),
        "status": if failed.is_none() { "pass" } else { "fail" },
        "message": message,
        "test_code": "cargo course check",
        "filename": "",
        "line_no": 0,
        "execution_time": format!("{seconds:.2}s"),
        "score": rounded(marks.earned),
    })
}

fn rounded(points: f64) -> f64 {
    (points * 100.0).round() / 100.0
}

fn cut(text: &str) -> String {
    let end = (0..=MESSAGE.min(text.len())).rfind(|&end| text.is_char_boundary(end));
    let end = end.unwrap_or(0);
    let more = if end < text.len() { "…" } else { "" };
    format!("{}{more}", &text[..end])
}
