//! The authoring gate: what must hold for every chapter before a reader sees it.
//!
//! One slug, all its places; one list of steps, in manifest, files, hints and tests; a starter that fails every test where
//! it says `todo!`; a solution that passes them all; wrong answers that fail where they should, with a section of the
//! book that exists; right answers of another design that pass. All of them are judged as the grader judges submissions.
//!
//! [`Gate::cases`] lists what there is to judge, one build each, so that CI can run one chapter or one answer.

mod answers;
mod evidence;
mod lint;
mod patch;
mod places;
mod self_reported;
mod sentences;
mod shipped;
mod snapshot;
mod todos;

pub use lint::lint;
pub use patch::apply;
pub use shipped::Shipped;
pub use snapshot::stable;

use crate::{
    course::{Chapter, Course, CourseError},
    grade::{Grader, Interrupted, Trial},
    runner::{self, Status, TestResult},
    slot::SlotError,
    sources::Sources,
    stop::Stop,
};
use answers::{Answer, Kind};
use std::{
    collections::BTreeSet,
    fmt::{self, Display},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The fewest tests of a step.
const TESTS: usize = 3;

/// Why the gate could not look at all.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The course can't be read.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// The slot can't be used.
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

    fn skipped(&mut self, place: &str, result: &TestResult) {
        let TestResult { test, message, .. } = result;
        self.notes
            .push(format!("skipped: {place}: {test}: {message}"));
    }
}

/// A thing to judge. Displays as `<slug>::solution`, `<slug>::wrong::<name>` and so on.
#[derive(Clone, Debug)]
pub struct Case {
    slug: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Starter,
    Solution,
    Answer(Box<Answer>),
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slug = &self.slug;
        match &self.what {
            What::Starter => write!(f, "{slug}::starter"),
            What::Solution => write!(f, "{slug}::solution"),
            What::Answer(answer) => {
                let kind = match answer.kind {
                    Kind::Wrong { .. } => "wrong",
                    Kind::Right => "right",
                };
                write!(f, "{slug}::{kind}::{}", answer.name)
            }
        }
    }
}

/// What came of a case.
#[derive(Debug, Default)]
pub struct Judged {
    /// What must be mended, and what was skipped.
    pub found: Findings,
    /// The failure of a wrong answer that was caught.
    pub failure: Option<TestResult>,
    /// For a solution that was run: what `tests/<slug>/self_reported.toml` has to say.
    pub self_reported: Option<String>,
}

/// The gate of one course.
#[derive(Debug)]
pub struct Gate {
    course: Course,
    strict: bool,
    stop: Stop,
    /// What makes the judges, one at a time.
    grader: Mutex<Option<Grader>>,
}

impl Gate {
    /// Opens the course at `root`. With `strict`, as in the course's own checks, a changed starter is a problem rather than
    /// a reader's work in progress.
    ///
    /// # Errors
    /// When the course can't be read.
    pub fn open(root: &Path, strict: bool, stop: &Stop) -> Result<Self, GateError> {
        Ok(Self {
            course: Course::open(root)?,
            strict,
            stop: stop.clone(),
            grader: Mutex::new(None),
        })
    }

    /// Looks at every chapter's files: their places, their names, what they say of each other. Builds nothing.
    #[must_use]
    pub fn look(&self) -> Findings {
        let course = &self.course;
        let mut found = Findings::default();
        places::look_at_course(course, &mut found);
        for chapter in &course.chapters {
            let shipped = Shipped::of(course, chapter, self.strict);
            places::look_at_chapter(course, chapter, &shipped, &mut found);
            sentences::look(course, chapter, &mut found);
            evidence::look(course, chapter, &mut found);
            let solution = self.solution(&chapter.slug).ok();
            for answer in answers::read(course, chapter, &mut found) {
                answers::look(course, chapter, solution.as_ref(), &answer, &mut found);
            }
        }
        found
    }

    /// Everything that there is to judge. What is wrong with an answer's header is told by [`look`](Self::look).
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let of = |chapter: &Chapter| {
            let answers = answers::read(&self.course, chapter, &mut Findings::default());
            let answers = answers.into_iter().map(Box::new).map(What::Answer);
            let all = [What::Solution, What::Starter].into_iter().chain(answers);
            let slug = chapter.slug.clone();
            all.map(move |what| Case {
                slug: slug.clone(),
                what,
            })
            .collect::<Vec<_>>()
        };
        self.course.chapters.iter().flat_map(of).collect()
    }

    /// Judges one case. Several threads may.
    ///
    /// # Errors
    /// When the course can't be built in, or on a stop.
    pub fn judge(&self, case: &Case) -> Result<Judged, GateError> {
        let chapter = self.course.chapter(&case.slug)?.clone();
        let mut judged = Judged::default();
        let found = &mut judged.found;
        match &case.what {
            What::Solution => {
                let results = self.judge_solution(&chapter, found)?;
                // A solution that doesn't compile says nothing of what its tests rest on.
                if !results.is_empty() {
                    let rests = self_reported::judge(&chapter, &results, found);
                    judged.self_reported = Some(self_reported::text(&rests));
                }
            }
            What::Starter => self.judge_starter(&chapter, found)?,
            What::Answer(answer) => {
                judged.failure = self.judge_answer(&chapter, answer, found)?;
            }
        }
        Ok(judged)
    }

    /// What deserves full marks: the solution and the right answers of every chapter, each with a name and as a whole submission.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn right_answers(&self) -> Result<Vec<(String, String, Sources)>, String> {
        let mut all = Vec::new();
        for chapter in &self.course.chapters {
            let slug = &chapter.slug;
            let solution = self.solution(slug)?;
            for answer in answers::read(&self.course, chapter, &mut Findings::default()) {
                if answer.kind == Kind::Right {
                    all.push((
                        slug.clone(),
                        answer.name.clone(),
                        answer.sources(&solution)?,
                    ));
                }
            }
            all.push((slug.clone(), "solution".to_owned(), solution));
        }
        Ok(all)
    }

    fn solution(&self, slug: &str) -> Result<Sources, String> {
        let folder = self.course.root.join("solutions").join(slug).join("src");
        Sources::read(&folder).map_err(|error| error.to_string())
    }

    fn judge_solution(
        &self,
        chapter: &Chapter,
        found: &mut Findings,
    ) -> Result<Vec<TestResult>, GateError> {
        let slug = &chapter.slug;
        let place = format!("solutions/{slug}");
        match self.with_grader(|grader| grader.tests(slug))? {
            Ok(tests) => {
                judge_tests(chapter, &tests, found);
                sentences::judge(&self.course, chapter, &tests, found);
            }
            Err(problem) => {
                found.problem(place, problem);
                return Ok(Vec::new());
            }
        }
        let solution = self.solution(slug);
        let results = self.attempt(slug, &place, solution, found)?;
        for result in &results {
            match result.status {
                Status::Passed => {}
                Status::Skipped => found.skipped(&place, result),
                status => {
                    let TestResult { test, message, .. } = result;
                    let problem = format_args!("`{test}` does not pass ({status}): {message}");
                    found.problem(&place, problem);
                }
            }
        }
        Ok(results)
    }

    fn judge_starter(&self, chapter: &Chapter, found: &mut Findings) -> Result<(), GateError> {
        let slug = &chapter.slug;
        let shipped = Shipped::of(&self.course, chapter, self.strict);
        found.notes.extend(shipped.note(slug));
        let place = format!("exercises/{slug}");
        let sources = shipped.sources().map_err(|error| error.to_string());
        for result in self.attempt(slug, &place, sources, found)? {
            if !matches!(result.status, Status::Unstarted | Status::Skipped) {
                let TestResult {
                    test,
                    status,
                    message,
                    ..
                } = result;
                let problem = format_args!(
                    "the starter does not end `{test}` at a todo! ({status}): {message}"
                );
                found.problem(&place, problem);
            }
        }
        Ok(())
    }

    /// Judges sources that must compile without a warning.
    fn attempt(
        &self,
        slug: &str,
        place: &str,
        sources: Result<Sources, String>,
        found: &mut Findings,
    ) -> Result<Vec<TestResult>, GateError> {
        let sources = match sources {
            Ok(sources) => sources,
            Err(problem) => {
                found.problem(place, problem);
                return Ok(Vec::new());
            }
        };
        match self.run(slug, &sources, None)? {
            Trial::Ran { warnings, results } => {
                for warning in warnings {
                    found.problem(place, format_args!("compiles with a warning:\n{warning}"));
                }
                Ok(results)
            }
            Trial::Refused(status, message) => {
                found.problem(place, format_args!("{status}: {message}"));
                Ok(Vec::new())
            }
        }
    }

    fn judge_answer(
        &self,
        chapter: &Chapter,
        answer: &Answer,
        found: &mut Findings,
    ) -> Result<Option<TestResult>, GateError> {
        let sources = self.solution(&chapter.slug);
        let sources = match sources.and_then(|solution| answer.sources(&solution)) {
            Ok(sources) => sources,
            Err(problem) => {
                found.problem(&answer.place, problem);
                return Ok(None);
            }
        };
        match self.run(&chapter.slug, &sources, Some(&answer.step))? {
            Trial::Ran { results, .. } => Ok(answers::judge(answer, &results, found)),
            Trial::Refused(status, message) => {
                let problem = format_args!("cannot be judged ({status}): {message}");
                found.problem(&answer.place, problem);
                Ok(None)
            }
        }
    }

    fn run(&self, slug: &str, sources: &Sources, only: Option<&str>) -> Result<Trial, GateError> {
        let (judge, judging) = self.with_grader(|grader| {
            let judge = grader.judge(slug, &mut |_| {})?;
            Ok((judge, grader.judging()))
        })?;
        Ok(match judging.compile_only(judge, slug, sources)? {
            Ok(attempt) => judging.attempt(attempt, only)?,
            Err(refused) => refused,
        })
    }

    /// Does something with the one grader.
    fn with_grader<T>(
        &self,
        work: impl FnOnce(&mut Grader) -> Result<T, Interrupted>,
    ) -> Result<T, GateError> {
        let mut grader = self.grader.lock().unwrap_or_else(PoisonError::into_inner);
        let grader = match &mut *grader {
            Some(grader) => grader,
            none => none.insert(Grader::new(&self.course, &self.stop, || {})?),
        };
        Ok(work(grader)?)
    }
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
