//! The authoring gate: what must hold for every chapter before a reader sees it.
//!
//! One slug, all its places; one list of steps, in manifest, files, hints and tests; a starter that fails every test where
//! it says `todo!`; a solution that passes them all; wrong answers that fail where they should, with a section of the
//! book that exists. Starter, solution and wrong answers are judged as the grader judges submissions.

mod places;
mod shipped;
mod wrong;

pub use shipped::Shipped;

use crate::{
    build,
    course::{Chapter, Course, CourseError},
    grade::{Grader, Interrupted, Trial},
    runner::{self, Status, TestResult},
    slot::SlotError,
    sources::{Sources, SourcesError},
    stop::Stop,
};
use std::{collections::BTreeSet, fmt::Display, ops::ControlFlow, path::Path, time::Duration};
use supervise::{End, Keep, Options};

/// The fewest tests of a step.
const TESTS: usize = 3;

/// How long clippy may take, with all that it needs.
const LINT_DEADLINE: Duration = Duration::from_secs(15 * 60);

/// Why the gate could not look at all.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The course cannot be read.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// The slot cannot be used.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// Somebody asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// What the gate found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What must be mended: each names the file and the remedy.
    pub problems: Vec<String>,
    /// What was not looked at, and why: a reader's work in progress, a tool that is missing.
    pub notes: Vec<String>,
}

impl Findings {
    fn problem(&mut self, place: impl Display, what: impl Display) {
        self.problems.push(format!("{place}: {what}"));
    }
}

/// Looks at every chapter's files: their places, their names, what they say of each other. Builds nothing.
///
/// With `strict`, what stands in HEAD is what the course ships, and nobody's work in progress.
///
/// # Errors
/// When the course cannot be read.
pub fn look(root: &Path, strict: bool) -> Result<Findings, GateError> {
    let course = Course::open(root)?;
    let mut found = Findings::default();
    places::look_at_course(&course, &mut found);
    for chapter in &course.chapters {
        let shipped = Shipped::of(&course, chapter, strict);
        places::look_at_chapter(&course, chapter, &shipped, &mut found);
        for answer in wrong::read(&course, chapter, &mut found) {
            wrong::look(&course, chapter, &answer, &mut found);
        }
    }
    Ok(found)
}

/// Judges every chapter's starter, solution and wrong answers.
///
/// # Errors
/// When the course cannot be read or built in, or on a stop.
pub fn judge(root: &Path, strict: bool, stop: &Stop) -> Result<Findings, GateError> {
    let course = Course::open(root)?;
    let mut found = Findings::default();
    let mut grader = Grader::new(&course, stop, || {})?;
    for chapter in &course.chapters {
        judge_chapter(&course, chapter, strict, &mut grader, &mut found)?;
    }
    Ok(found)
}

fn judge_chapter(
    course: &Course,
    chapter: &Chapter,
    strict: bool,
    grader: &mut Grader,
    found: &mut Findings,
) -> Result<(), Interrupted> {
    let slug = &chapter.slug;
    let tests = match grader.tests(slug)? {
        Ok(tests) => tests,
        Err(problem) => {
            found.problem(format_args!("solutions/{slug}"), problem);
            return Ok(());
        }
    };
    judge_tests(chapter, &tests, found);

    let place = format!("solutions/{slug}");
    let solution = Sources::read(&course.root.join(&place).join("src"));
    if let Some(results) = attempt(grader, slug, &place, &solution, found)? {
        for result in results
            .iter()
            .filter(|result| result.status != Status::Passed)
        {
            match result.status {
                Status::Skipped => found
                    .notes
                    .push(format!("skipped: {}: {}", result.test, result.message)),
                status => found.problem(
                    &place,
                    format_args!(
                        "`{}` does not pass ({status}): {}",
                        result.test, result.message
                    ),
                ),
            }
        }
    }

    let shipped = Shipped::of(course, chapter, strict);
    found.notes.extend(shipped.note(slug));
    let place = format!("exercises/{slug}");
    if let Some(results) = attempt(grader, slug, &place, &shipped.sources(), found)? {
        for result in results
            .iter()
            .filter(|result| !matches!(result.status, Status::Unstarted | Status::Skipped))
        {
            let problem = format_args!(
                "the starter does not end `{}` at a todo! ({}): {}",
                result.test, result.status, result.message
            );
            found.problem(&place, problem);
        }
    }

    let Ok(solution) = solution else {
        return Ok(());
    };
    // What is wrong with their headers is told by `look`.
    for answer in wrong::read(course, chapter, &mut Findings::default()) {
        let sources = solution
            .clone()
            .with(format!("{}.rs", answer.replaces), answer.text.as_str());
        match grader.attempt(slug, &sources, Some(&answer.fails), |_| {})? {
            Trial::Ran { results, .. } => wrong::judge(&answer, &results, found),
            Trial::Refused(status, message) => found.problem(
                &answer.place,
                format_args!("cannot be judged ({status}): {message}"),
            ),
        }
    }
    Ok(())
}

/// Judges sources that must compile without a warning.
fn attempt(
    grader: &mut Grader,
    slug: &str,
    place: &str,
    sources: &Result<Sources, SourcesError>,
    found: &mut Findings,
) -> Result<Option<Vec<TestResult>>, Interrupted> {
    let sources = match sources {
        Ok(sources) => sources,
        Err(error) => {
            found.problem(place, error);
            return Ok(None);
        }
    };
    Ok(match grader.attempt(slug, sources, None, |_| {})? {
        Trial::Ran { warnings, results } => {
            for warning in warnings {
                found.problem(place, format_args!("compiles with a warning:\n{warning}"));
            }
            Some(results)
        }
        Trial::Refused(status, message) => {
            found.problem(place, format_args!("{status}: {message}"));
            None
        }
    })
}

/// Every step has its tests, and every test its step.
fn judge_tests(chapter: &Chapter, tests: &[String], found: &mut Findings) {
    let place = format!("tests/{}.rs", chapter.slug);
    for step in &chapter.steps {
        let count = tests
            .iter()
            .filter(|test| runner::step(test) == step)
            .count();
        if count < TESTS {
            found.problem(
                &place,
                format_args!("step `{step}` has {count} tests, fewer than {TESTS}"),
            );
        }
    }
    let strangers: BTreeSet<_> = tests
        .iter()
        .map(|test| runner::step(test))
        .filter(|step| !chapter.steps.iter().any(|s| s == step))
        .collect();
    for stranger in strangers {
        found.problem(
            &place,
            format_args!("`{stranger}` is no step of the chapter (see its Cargo.toml)"),
        );
    }
}

/// Runs clippy over the solutions: its usual lints and the pedantic ones.
///
/// # Errors
/// When the course cannot be read, or on a stop.
pub fn lint(root: &Path, stop: &Stop) -> Result<Findings, GateError> {
    let course = Course::open(root)?;
    let mut found = Findings::default();
    let solutions = course.root.join("solutions");
    let clippy = |offline: bool| {
        let mut command = build::cargo();
        command
            .args(["clippy", "--quiet", "--workspace", "--locked"])
            .args(offline.then_some("--offline"));
        command
            .arg("--target-dir")
            .arg(course.target_dir())
            .current_dir(&solutions);
        command.args(["--", "-D", "warnings", "-D", "clippy::pedantic"]);
        let mut options = Options::new(LINT_DEADLINE);
        options.stderr = Keep::Last(1 << 20);
        options.sweep = false;
        supervise::run(command, &options, stop, |_, _| ControlFlow::Continue(()))
    };
    let outcome = match clippy(true) {
        Ok(outcome) if outcome.stderr.text().contains("--offline") => clippy(false),
        other => other,
    };
    match outcome {
        Ok(outcome) if outcome.end == End::Stopped => return Err(Interrupted.into()),
        Ok(outcome) if outcome.end.is_success() => {}
        Ok(outcome) => {
            let said = outcome.stderr.text();
            if said.contains("no such command") || said.contains("is not installed") {
                found.notes.push("skipped: clippy over the solutions: cargo has no clippy (`rustup component add clippy`)".to_owned());
            } else {
                found.problem(
                    "solutions",
                    format_args!("clippy {}:\n{}", outcome.end, said.trim()),
                );
            }
        }
        Err(error) => found.problem(
            "solutions",
            format_args!("cannot start cargo clippy: {error}"),
        ),
    }
    Ok(found)
}
