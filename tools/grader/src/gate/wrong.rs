//! Wrong answers: files that compile, look right, and must fail at the test that they name.

use super::{Findings, places};
use crate::{
    course::{Chapter, Course},
    runner::{self, Status, TestResult},
};
use std::fs;

/// The fewest wrong answers of a chapter.
const FEWEST: usize = 6;

/// Where a wrong answer stands, from the root of the course.
pub(super) type Place = String;

/// A file of `tests/wrong/<slug>`: the solution with one step file replaced.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) place: Place,
    pub(super) text: String,
    /// The step whose file it replaces.
    pub(super) replaces: String,
    /// The test that it must fail.
    pub(super) fails: String,
    /// The section of the book that clears it up.
    pub(super) section: String,
}

/// Reads a chapter's wrong answers; one with a bad header is a problem and left out.
pub(super) fn read(course: &Course, chapter: &Chapter, found: &mut Findings) -> Vec<Answer> {
    let places = places::wrong_answers(course, chapter);
    if places.len() < FEWEST {
        let problem = format_args!("{} wrong answers, fewer than {FEWEST}", places.len());
        found.problem(format_args!("tests/wrong/{}", chapter.slug), problem);
    }
    let mut answers = Vec::new();
    for place in places {
        match parse(course, &place) {
            Ok(answer) => answers.push(answer),
            Err(problem) => found.problem(place, problem),
        }
    }
    answers
}

fn parse(course: &Course, place: &str) -> Result<Answer, String> {
    if !place.ends_with(".rs") {
        return Err("is a stray file".to_owned());
    }
    let text = fs::read_to_string(course.root.join(place))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let header = |key: &str| {
        let mut values = text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .filter_map(|line| line.trim().strip_prefix(key));
        let value = values
            .next()
            .and_then(|value| value.strip_prefix(':'))
            .map(str::trim)
            .unwrap_or_default();
        if value.is_empty() {
            Err(format!("its header has no `//! {key}: …`"))
        } else {
            Ok(value.to_owned())
        }
    };
    header("Wrong")?;
    let (replaces, fails, section) = (header("Replaces")?, header("Fails")?, header("Section")?);
    Ok(Answer {
        place: place.to_owned(),
        replaces,
        fails,
        section,
        text,
    })
}

/// What can be said of a wrong answer before it is judged.
pub(super) fn look(course: &Course, chapter: &Chapter, answer: &Answer, found: &mut Findings) {
    if !chapter.steps.contains(&answer.replaces) {
        found.problem(
            &answer.place,
            format_args!("replaces `{}`, which is no step", answer.replaces),
        );
    }
    if runner::step(&answer.fails) != answer.replaces {
        found.problem(
            &answer.place,
            format_args!(
                "replaces `{}` and is to fail `{}`, a test of another step",
                answer.replaces, answer.fails
            ),
        );
    }
    if !places::has_section(course, &answer.section) {
        found.problem(
            &answer.place,
            format_args!(
                "points to src/{}, and there is no such heading",
                answer.section
            ),
        );
    }
}

/// Whether it failed as it should: by a verdict about the answer, with the section that it names.
pub(super) fn judge(answer: &Answer, results: &[TestResult], found: &mut Findings) {
    let Some(result) = results.iter().find(|result| result.test == answer.fails) else {
        found.problem(
            &answer.place,
            format_args!("there is no test `{}`", answer.fails),
        );
        return;
    };
    match result.status {
        Status::Failed | Status::Timeout | Status::Crash => {}
        Status::Skipped => {
            found
                .notes
                .push(format!("skipped: {}: {}", answer.place, result.message));
            return;
        }
        status => {
            found.problem(
                &answer.place,
                format_args!(
                    "`{}` did not catch it ({status}) {}",
                    answer.fails, result.message
                ),
            );
            return;
        }
    }
    if result.section.as_deref() != Some(&answer.section) {
        let section = result.section.as_deref().unwrap_or("no section");
        found.problem(
            &answer.place,
            format_args!(
                "`{}` caught it and points to {section}, not to {}",
                answer.fails, answer.section
            ),
        );
    }
}
