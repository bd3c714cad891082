//! JUnit XML, which most CI systems show: a suite for each exercise of each submission.

use super::units;
use crate::{grade::Record, runner::Status};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The XML.
///
/// # Errors
/// When a text can't be written as XML.
pub fn junit(records: &[Record]) -> Result<String, String> {
    let mut report = Report::new("Process vs Thread in Python");
    for unit in units(records) {
        let name = match unit.exercise {
            "" => unit.submission.to_owned(),
            slug => format!("{}/{slug}", unit.submission),
        };
        let mut suite = TestSuite::new(name.as_str());
        for record in &unit.records {
            // A record about no single test.
            let test = match record.test.as_str() {
                "" => "submission",
                test => test,
            };
            let mut case = TestCase::new(test, status(record));
            case.set_classname(name.as_str());
            case.set_time(Duration::try_from_secs_f64(record.seconds).unwrap_or_default());
            case.add_property(("points", super::marks::number(record.points).as_str()));
            if !record.self_reported.is_empty() {
                case.add_property(("self_reported", record.self_reported.join(" ").as_str()));
            }
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|error| error.to_string())
}

fn status(record: &Record) -> TestCaseStatus {
    let mut status = match record.status {
        Status::Passed => return TestCaseStatus::success(),
        Status::Skipped => TestCaseStatus::skipped(),
        Status::InfrastructureError => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status
        .set_type(record.status.to_string())
        .set_message(record.message.lines().next().unwrap_or_default());
    let why = record
        .why
        .as_deref()
        .map_or(String::new(), |why| format!("\n{why}"));
    if record.status != Status::Skipped {
        status.set_description(format!("{}{why}", record.message));
    }
    status
}
