//! Wrong answers, which must fail at the test that they name, and right ones of another design, which every test must accept.
//!
//! `tests/wrong/<slug>/*.rs` and `tests/right/<slug>/*.rs` are the solution with one step changed. The header says which:
//! `//! Changes: <step>` for a file that holds only the items that differ (see `patch`), `//! Replaces: <step>` for one that
//! holds the whole step.

use super::{Findings, patch, places};
use crate::{
    course::{Chapter, Course},
    runner::{self, Status, TestResult},
    sources::Sources,
};
use std::fs;

/// The fewest wrong answers of a chapter.
const FEWEST_WRONG: usize = 6;

/// The fewest right answers of a chapter.
const FEWEST_RIGHT: usize = 8;

/// Which kind an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Wrong {
        /// The test that it must fail.
        fails: String,
        /// The section of the book that clears it up.
        section: String,
    },
    Right,
}

/// An answer of either kind.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Its file, from the root of the course.
    pub(super) place: String,
    /// The file's name without its ending.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The step that it changes.
    pub(super) step: String,
    /// Whether it holds only the items that differ.
    is_patch: bool,
    text: String,
}

/// Reads a chapter's answers of both kinds; one with a bad header is a problem and left out.
pub(super) fn read(course: &Course, chapter: &Chapter, found: &mut Findings) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (kind, fewest) in [("wrong", FEWEST_WRONG), ("right", FEWEST_RIGHT)] {
        let folder = format!("tests/{kind}/{}", chapter.slug);
        let names = places::names(&course.root.join(&folder));
        if names.len() < fewest {
            let problem = format_args!("{} {kind} answers, fewer than {fewest}", names.len());
            found.problem(&folder, problem);
        }
        for name in names {
            let place = format!("{folder}/{name}");
            match parse(course, &place, kind) {
                Ok(answer) => answers.push(answer),
                Err(problem) => found.problem(place, problem),
            }
        }
    }
    answers
}

fn parse(course: &Course, place: &str, kind: &str) -> Result<Answer, String> {
    let (_, file) = place.rsplit_once('/').unwrap_or(("", place));
    let Some(name) = file.strip_suffix(".rs") else {
        return Err("is a stray file".to_owned());
    };
    let text = fs::read_to_string(course.root.join(place))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let optional = |key: &str| {
        let header = text.lines().map_while(|line| line.strip_prefix("//!"));
        let mut values = header.filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
        let value = values.next().map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty())
    };
    let header =
        |key: &str| optional(key).ok_or_else(|| format!("its header has no `//! {key}: …`"));
    let (step, is_patch) = match (optional("Changes"), optional("Replaces")) {
        (Some(step), None) => (step, true),
        (None, Some(step)) => (step, false),
        (Some(_), Some(_)) => {
            return Err("its header has both `//! Changes: …` and `//! Replaces: …`".to_owned());
        }
        (None, None) => {
            return Err(
                "its header has no `//! Changes: …` (only the items that differ) and no `//! Replaces: …` (the whole step)"
                    .to_owned(),
            );
        }
    };
    let kind = if kind == "wrong" {
        header("Wrong")?;
        Kind::Wrong {
            fails: header("Fails")?,
            section: header("Section")?,
        }
    } else {
        header("Right")?;
        Kind::Right
    };
    Ok(Answer {
        place: place.to_owned(),
        name: name.to_owned(),
        kind,
        step,
        is_patch,
        text,
    })
}

impl Answer {
    /// The solution's sources with the answer's step in place of theirs.
    pub(super) fn sources(&self, solution: &Sources) -> Result<Sources, String> {
        let file = format!("{}.rs", self.step);
        if !self.is_patch {
            return Ok(solution.clone().with(file, self.text.as_str()));
        }
        let Some(step) = solution.get(&file) else {
            return Err(format!("the solution has no {file} to change"));
        };
        Ok(solution.clone().with(file, patch::apply(step, &self.text)?))
    }
}

/// What can be said of an answer before it is judged.
pub(super) fn look(
    course: &Course,
    chapter: &Chapter,
    solution: Option<&Sources>,
    answer: &Answer,
    found: &mut Findings,
) {
    let place = &answer.place;
    if !chapter.steps.contains(&answer.step) {
        let problem = format_args!("changes `{}`, which is no step", answer.step);
        found.problem(place, problem);
    } else if let Some(Err(problem)) = solution.map(|solution| answer.sources(solution)) {
        found.problem(place, problem);
    }
    let Kind::Wrong { fails, section } = &answer.kind else {
        return;
    };
    if runner::step(fails) != answer.step {
        let problem = format_args!(
            "changes `{}` and is to fail `{fails}`, a test of another step",
            answer.step
        );
        found.problem(place, problem);
    }
    if !places::has_section(course, section) {
        let problem = format_args!("points to src/{section}, and there is no such heading");
        found.problem(place, problem);
    }
}

/// Whether every result is as it should be for an answer of this kind. Returns the failure of a wrong answer that was caught.
pub(super) fn judge(
    answer: &Answer,
    results: &[TestResult],
    found: &mut Findings,
) -> Option<TestResult> {
    let place = &answer.place;
    let Kind::Wrong { fails, section } = &answer.kind else {
        for result in results {
            match result.status {
                Status::Passed => {}
                Status::Skipped => found.skipped(place, result),
                status => {
                    let message = &result.message;
                    let problem =
                        format_args!("`{}` rejects it ({status}): {message}", result.test);
                    found.problem(place, problem);
                }
            }
        }
        return None;
    };
    let Some(result) = results.iter().find(|result| result.test == *fails) else {
        found.problem(place, format_args!("there is no test `{fails}`"));
        return None;
    };
    let result = result.clone();
    match result.status {
        Status::Failed | Status::Timeout | Status::Crash | Status::OutputLimit => {}
        Status::Skipped => {
            found.skipped(place, &result);
            return None;
        }
        status => {
            let problem = format_args!("`{fails}` did not catch it ({status}) {}", result.message);
            found.problem(place, problem);
            return None;
        }
    }
    // A learner reads one failure: the most telling one should be this.
    let failing = results
        .iter()
        .filter(|result| !matches!(result.status, Status::Passed | Status::Skipped));
    if let Some(shown) = failing.min_by_key(|result| result.status)
        && shown.test != *fails
    {
        let problem = format_args!(
            "a learner is shown `{}` first ({}), not `{fails}` ({}): {}",
            shown.test, shown.status, result.status, shown.message
        );
        found.problem(place, problem);
    }
    if result.section.as_deref() != Some(section) {
        let shown = result.section.as_deref().unwrap_or("no section");
        let problem = format_args!("`{fails}` caught it and points to {shown}, not to {section}");
        found.problem(place, problem);
    }
    Some(result)
}
