//! Judges a chapter's exercise: compiles its tests, runs them step by step, and notes what passed.

use crate::{
    progress,
    reader::{Place, Reader, steps_of},
    text::{Ticker, errln},
};
use anyhow::{Context, Result};
use grader::{
    build::{Build, CompileError},
    runner::{self, Plan, RunError, Status, TestResult},
    stop::Stop,
};

/// What became of a chapter's exercise.
pub enum Verdict {
    /// The compiler refused it, and said this.
    DoesNotCompile {
        /// The compiler's words.
        diagnostics: String,
    },
    /// Every test that was asked for was run.
    Judged {
        /// The steps that were judged, in order.
        steps: Vec<Step>,
        /// What the compiler warned of.
        warnings: Vec<String>,
    },
    /// Somebody asked to stop; nothing was noted.
    Interrupted,
}

/// What became of one step.
pub struct Step {
    /// Its name.
    pub name: String,
    /// Its tests.
    pub tests: Vec<TestResult>,
    /// Whether this is the first time that it is solved.
    pub new: bool,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Every test passed.
    Solved,
    /// Nobody has begun: every test reached the starter's `todo!`.
    Unstarted,
    /// A test failed, or could not be judged.
    Failing,
    /// What was judged passed, but some tests could not be run on this machine.
    Skipped,
}

impl Step {
    /// How many tests passed.
    pub fn passed(&self) -> usize {
        self.tests
            .iter()
            .filter(|test| test.status == Status::Passed)
            .count()
    }

    /// How far it is.
    pub fn state(&self) -> State {
        let all = |fits: fn(Status) -> bool| self.tests.iter().all(|test| fits(test.status));
        match () {
            () if all(|s| s == Status::Passed) => State::Solved,
            () if all(|s| matches!(s, Status::Passed | Status::Skipped)) => State::Skipped,
            () if all(|s| matches!(s, Status::Unstarted | Status::Skipped)) => State::Unstarted,
            () => State::Failing,
        }
    }

    /// The name of one of its tests, without the step's.
    pub fn name_of<'a>(&self, test: &'a TestResult) -> &'a str {
        let name = test.test.strip_prefix(&self.name);
        name.and_then(|name| name.strip_prefix("::"))
            .unwrap_or(&test.test)
    }

    /// The failure that says most: a wrong answer before a crash, a crash before a timeout, all of them before a
    /// `todo!`, and what is no fault of the learner's last. Within one kind the first, since a step lists its tests from
    /// the most specific to the least; of several `todo!`s the first in the file.
    pub fn most_telling(&self) -> Option<&TestResult> {
        let rank = |test: &TestResult| match test.status {
            Status::Failed | Status::OutputLimit => 0,
            Status::Crash => 1,
            Status::Timeout => 2,
            Status::Unstarted => 3,
            _ => 4,
        };
        let line = |test: &TestResult| match test.status {
            Status::Unstarted => line_named(&test.message, &self.name).unwrap_or(usize::MAX),
            _ => 0,
        };
        let open = self.tests.iter();
        open.filter(|test| test.status != Status::Passed)
            .min_by_key(|test| (rank(test), line(test)))
    }
}

/// The line of the step's file that a message names, as `src/<step>.rs:<line>`.
pub fn line_named(message: &str, step: &str) -> Option<usize> {
    let (_, rest) = message.split_once(&format!("src/{step}.rs:"))?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Compiles and runs the tests of the chapter called `slug`, or of its step `only` (from 0), and notes the result
/// in the reader's progress.
///
/// The step `at_hand` comes first. `on_step` gets each step as soon as its tests have run.
pub fn judge(
    reader: &mut Reader,
    slug: &str,
    only: Option<usize>,
    at_hand: Option<usize>,
    stop: &Stop,
    mut on_step: impl FnMut(Place<'_>, &Step),
) -> Result<Verdict> {
    let chapter = reader.course.chapter(slug)?.clone();
    let mut places: Vec<Place<'_>> = steps_of(&chapter)
        .filter(|place| only.is_none_or(|only| only == place.index))
        .collect();
    places.sort_by_key(|place| Some(place.index) != at_hand);
    // Taken before the compiler reads: a save in between makes the step unchecked, never wrongly solved.
    let digests: Vec<_> = places
        .iter()
        .map(|place| progress::digest(&reader.path(*place)))
        .collect();
    let root = reader.course.root.clone();
    let package = root.join("exercises").join(slug);
    let mut build = Build::new(&package, reader.course.target_dir());
    build.color = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    let mut ticker = Ticker::new();
    let compiled = build.run(stop, |line| {
        let line = line.trim();
        // Another build may take minutes; the cache of packages is free again in a moment.
        if line.starts_with("Blocking") && line.ends_with("directory") && !ticker.is_shown() {
            errln!("waiting for another cargo, which is building here");
        }
        ticker.show(line);
    });
    ticker.clear();
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(CompileError::Code { diagnostics }) => {
            return Ok(Verdict::DoesNotCompile { diagnostics });
        }
        Err(CompileError::Interrupted) => return Ok(Verdict::Interrupted),
        Err(error) => return Err(error).with_context(|| format!("the tests of {slug}")),
    };
    let mut steps = Vec::new();
    for place in &places {
        let name = place.step();
        ticker.show(&format!("Judging {name}"));
        let mut plan = Plan::new(&compiled.tests);
        plan.only = Some(name.to_owned());
        plan.dir = Some(package.clone());
        let tests = runner::run(&plan, stop, |result| {
            ticker.show(&format!("Judging {}", result.test))
        });
        ticker.clear();
        let tests = match tests {
            Ok(tests) => tests,
            Err(RunError::Interrupted) => return Ok(Verdict::Interrupted),
            Err(error) => return Err(error).with_context(|| format!("the tests of {slug}")),
        };
        let mut step = Step {
            name: name.to_owned(),
            tests,
            new: false,
        };
        step.new =
            step.state() == State::Solved && reader.progress.step(slug, name).solved.is_none();
        on_step(*place, &step);
        steps.push(step);
    }
    reader.record(|progress| {
        for (step, digest) in steps.iter().zip(digests) {
            if step.state() == State::Unstarted
                && progress.step(slug, &step.name) == progress::Step::default()
            {
                continue; // nothing done is nothing to remember
            }
            let record = progress.step_mut(slug, &step.name);
            (record.passed, record.total, record.source) =
                (step.passed(), step.tests.len(), digest);
            if step.state() == State::Solved {
                record.solved.get_or_insert_with(progress::now);
            }
        }
    })?;
    // Back in the order of the chapter.
    steps.sort_by_key(|step| chapter.steps.iter().position(|name| *name == step.name));
    Ok(Verdict::Judged {
        steps,
        warnings: compiled.warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(statuses: &[Status]) -> Step {
        let test = |(number, status): (usize, &Status)| TestResult {
            test: format!("a::{number}"),
            status: *status,
            seconds: 0.0,
            message: String::new(),
            why: None,
            section: None,
            seed: None,
            killed: false,
            self_reported: Vec::new(),
        };
        Step {
            name: "a".to_owned(),
            tests: statuses.iter().enumerate().map(test).collect(),
            new: false,
        }
    }

    #[test]
    fn of_several_todos_the_first_in_the_file_is_named() {
        let mut step = step(&[Status::Passed, Status::Unstarted, Status::Unstarted]);
        step.tests[1].message = "at src/a.rs:63:5: the second".to_owned();
        step.tests[2].message = "at src/a.rs:46: the first".to_owned();
        assert_eq!(
            step.most_telling().map(|test| test.test.as_str()),
            Some("a::2")
        );
        assert_eq!(line_named("src/b.rs:1", "a"), None);
        assert_eq!(line_named("src/a.rs:", "a"), None);
    }

    #[test]
    fn a_step_is_solved_only_when_every_test_ran_and_passed() {
        use Status::*;
        for (statuses, state, first) in [
            (&[Passed, Passed][..], State::Solved, None),
            (&[Passed, Skipped], State::Skipped, Some("a::1")),
            (&[Unstarted, Unstarted], State::Unstarted, Some("a::0")),
            (&[Unstarted, Skipped], State::Unstarted, Some("a::0")),
            (&[Unstarted, Crash], State::Failing, Some("a::1")),
            (&[Passed, Unstarted], State::Failing, Some("a::1")),
            (&[Unstarted, Failed], State::Failing, Some("a::1")),
            (
                &[Timeout, Crash, Failed, Failed],
                State::Failing,
                Some("a::2"),
            ),
            (&[Timeout, Crash], State::Failing, Some("a::1")),
            (
                &[InfrastructureError, Timeout],
                State::Failing,
                Some("a::1"),
            ),
            (&[Passed, InfrastructureError], State::Failing, Some("a::1")),
        ] {
            let step = step(statuses);
            assert_eq!(step.state(), state, "{statuses:?}");
            assert_eq!(
                step.most_telling().map(|test| test.test.as_str()),
                first,
                "{statuses:?}"
            );
        }
    }
}
