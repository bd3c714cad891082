//! Judges submissions: compiles each as subject, runs the judge over it, and gives one record per test.

mod annotate;
mod digest;
mod judge;
mod judging;

pub use annotate::annotate;
pub use judge::Judge;
pub use judging::{Attempt, Judging, Prepared, Unit};

use judging::Asked;

use crate::{
    course::{Chapter, Course},
    runner::{self, Plan, RunError, Status, TestResult},
    sandbox::{Level, Sandbox},
    slot::{Slot, SlotError, SubjectError},
    sources::Sources,
    sources::git::Commit,
    stop::Stop,
    submission::{Problem, Submission},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

/// One line of the results: what became of one test of one exercise of one submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The submission's name.
    pub submission: String,
    /// The slug of the exercise; empty when the submission has none that can be judged.
    pub exercise: String,
    /// The step; empty when the record is about no single test.
    pub step: String,
    /// The test's full name, `<step>::<test>`; empty when the record is about no single test.
    pub test: String,
    /// `passed`, `failed`, `compile_error`, `timeout`, `crash`, `rejected`; or, which is no verdict, `infrastructure_error` or `skipped`.
    pub status: Status,
    /// Seconds that the test took.
    pub seconds: f64,
    /// The message for people.
    pub message: String,
    /// What the failure means, where the test knows it.
    pub why: Option<String>,
    /// The section of the book that explains it.
    pub section: Option<String>,
    /// What isolated the submission's code from the rest of the machine: the [`Level`](crate::sandbox::Level).
    pub sandbox: String,
    /// What passing the test is worth: its share of the step's points, times the exercise's weight.
    #[serde(default)]
    pub points: f64,
    /// What the verdict rests on that only the subject can say, by the names of [`Account`](wire::status::Account)s. Code that
    /// attacks the test harness in its own process could invent it.
    #[serde(default)]
    pub self_reported: Vec<String>,
    /// The commit that was judged, if the submission was read from a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
}

/// Makes the judges of a course, and judges submissions: one after the other, or, by [`judging`](Self::judging), many at a time.
#[derive(Debug)]
pub struct Grader {
    course: Course,
    slot: Slot,
    stop: Stop,
    judges: BTreeMap<String, Result<Arc<Judge>, String>>,
    sandbox: Sandbox,
    budget: Option<Duration>,
    digests: BTreeMap<String, String>,
}

/// A stop was requested: the submission at hand has no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// The outcome of building and judging a set of sources.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
    /// Nothing ran, for this reason.
    Refused(Status, String),
    /// They compiled and ran.
    Ran {
        /// The compiler's warnings, as it shows them.
        warnings: Vec<String>,
        /// What became of each test.
        results: Vec<TestResult>,
    },
}

/// What the grader is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Compiling the judge, and the first time its dependencies.
    BuildingJudge(&'a str),
    /// Judging the reference solution, so that a fault of this machine isn't taken for one of a submission.
    TryingJudge(&'a str),
    /// A progress line from cargo.
    Cargo(&'a str),
    /// Compiling the submission.
    Building,
    /// A test has its verdict.
    Judged(&'a str, Status),
}

impl Grader {
    /// Locks the course's build folder; calls `on_wait` when another grader holds it.
    ///
    /// # Errors
    /// When the build folder can't be prepared, or on a stop.
    pub fn new(course: &Course, stop: &Stop, on_wait: impl FnOnce()) -> Result<Self, SlotError> {
        let slot = Slot::take(course, stop, on_wait)?;
        Ok(Self {
            course: course.clone(),
            slot,
            stop: stop.clone(),
            judges: BTreeMap::new(),
            sandbox: Sandbox::none(),
            budget: None,
            digests: BTreeMap::new(),
        })
    }

    /// Compiles and runs submissions in `sandbox`. The reference solution has to pass there, too, before anybody is judged.
    #[must_use]
    pub fn within(mut self, sandbox: Sandbox) -> Self {
        self.slot.contain(sandbox.clone());
        self.judges.clear();
        self.sandbox = sandbox;
        self
    }

    /// Ends the tests of a submission that together take longer.
    #[must_use]
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Ends a compiler that takes longer over a submission.
    #[must_use]
    pub fn with_compile_time(mut self, deadline: Duration) -> Self {
        self.slot.limit(deadline);
        self
    }

    /// Returns the record of a submission without a single exercise that can be judged.
    #[must_use]
    pub fn refuse(&self, submission: &Submission, problem: &Problem) -> Record {
        let (status, message) = problem.tell();
        self.record(&submission.name, "", "", status, message)
    }

    /// Judges one exercise of a submission: one record per test, in the order of the steps.
    ///
    /// # Errors
    /// Only on a stop: every other problem becomes a record.
    pub fn grade(
        &mut self,
        submission: &Submission,
        chapter: &Chapter,
        mut progress: impl FnMut(Step<'_>),
    ) -> Result<Vec<Record>, Interrupted> {
        match self.prepare(submission, chapter, &mut progress)? {
            Prepared::Done(records) => Ok(records),
            Prepared::Ready(unit) => self.judging().run(&unit, |result| {
                progress(Step::Judged(&result.test, result.status));
            }),
        }
    }

    /// The first half of [`grade`](Self::grade): compiles.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn prepare(
        &mut self,
        submission: &Submission,
        chapter: &Chapter,
        mut progress: impl FnMut(Step<'_>),
    ) -> Result<Prepared, Interrupted> {
        let judge = self.judge(&chapter.slug, &mut progress)?;
        progress(Step::Building);
        self.judging().prepare(submission, chapter, judge)
    }

    /// What compiles submissions and judges them, on any number of threads, while this grader lives.
    #[must_use]
    pub fn judging(&self) -> Judging {
        Judging {
            sandbox: self.sandbox.clone(),
            stop: self.stop.clone(),
            budget: self.budget,
            readable: vec![self.course.root.join("tests"), self.slot.tests()],
            units: self.slot.units(),
        }
    }

    /// A digest of all that the verdict on a submission's exercise depends on: its sources, the course's tests and solution,
    /// the toolchain and the sandbox.
    ///
    /// # Errors
    /// When the course can't be read.
    pub fn key(&mut self, submission: &Submission, slug: &str) -> io::Result<String> {
        let surroundings = match self.digests.get(slug) {
            Some(known) => known.clone(),
            None => {
                let found = digest::surroundings(&self.course.root, slug)?;
                self.digests.entry(slug.to_owned()).or_insert(found).clone()
            }
        };
        let policy = format!("{:?} {:?}", self.sandbox.level(), self.budget);
        Ok(digest::unit(submission, slug, &[&surroundings, &policy]))
    }

    /// Lists the tests that judge `slug`, in their order, or says why there is no judge.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn tests(&mut self, slug: &str) -> Result<Result<Vec<String>, String>, Interrupted> {
        Ok(self
            .judge(slug, &mut |_| {})?
            .map(|judge| judge.tests.clone()))
    }

    /// The judge of a chapter, made at the first call; or why there is none.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn judge(
        &mut self,
        slug: &str,
        progress: &mut dyn FnMut(Step<'_>),
    ) -> Result<Result<Arc<Judge>, String>, Interrupted> {
        if let Some(judge) = self.judges.get(slug) {
            return Ok(judge.clone());
        }
        let mut judge = self.make_judge(slug, progress)?;
        // Without one nobody gets a mark: once more, before a fault of a moment costs them all.
        if judge.is_err() {
            judge = self.make_judge(slug, progress)?;
        }
        let judge = judge.map(Arc::new);
        self.judges.insert(slug.to_owned(), judge.clone());
        Ok(judge)
    }

    fn record(
        &self,
        submission: &str,
        exercise: &str,
        test: &str,
        status: Status,
        message: &str,
    ) -> Record {
        record(
            self.sandbox.level(),
            submission,
            exercise,
            test,
            status,
            message,
        )
    }

    fn make_judge(
        &mut self,
        slug: &str,
        progress: &mut dyn FnMut(Step<'_>),
    ) -> Result<Result<Judge, String>, Interrupted> {
        progress(Step::BuildingJudge(slug));
        let solution =
            match Sources::read(&self.course.root.join("solutions").join(slug).join("src")) {
                Ok(solution) => solution,
                Err(error) => return Ok(Err(format!("the reference solution: {error}"))),
            };
        // Downloads and compiles what the tests depend on, the first time on a machine.
        let built = self.slot.build(slug, &solution, &self.stop, |line| {
            progress(Step::Cargo(line));
        });
        // What a submission's compiler gets to see must be enough, and is only then a reason to refuse one.
        let built = built.and_then(|(judge, recipe)| {
            let begun = Instant::now();
            let units = self.slot.units();
            let subject = units.compile(&recipe, slug, &solution, &self.stop)?;
            Ok((judge, recipe, subject, begun))
        });
        let (built, recipe, subject, begun) = match built {
            Ok(built) => built,
            Err(SubjectError::Interrupted) => return Err(Interrupted),
            Err(error) => {
                return Ok(Err(format!(
                    "the reference solution does not build: {error}"
                )));
            }
        };
        let mut judge = Judge {
            binary: built.tests,
            recipe,
            pace: Duration::ZERO,
            run: Duration::ZERO,
            tests: Vec::new(),
            excluded: BTreeMap::new(),
        };
        progress(Step::TryingJudge(slug));
        let run = Instant::now();
        let tried = match self.sandbox.level() {
            Level::L0 => runner::run(&Plan::new(judge.binary.to_path_buf()), &self.stop, |_| {}),
            _ => self
                .judging()
                .judge(&judge, &subject.tests, &Asked::Mark, |_| {}),
        };
        (judge.pace, judge.run) = (begun.elapsed(), run.elapsed());
        match tried {
            Ok(results) => Ok(Ok(judge.with_baseline(results))),
            Err(RunError::Interrupted) => Err(Interrupted),
            Err(error) => Ok(Err(error.to_string())),
        }
    }
}

fn record(
    sandbox: Level,
    submission: &str,
    exercise: &str,
    test: &str,
    status: Status,
    message: &str,
) -> Record {
    Record {
        submission: submission.to_owned(),
        exercise: exercise.to_owned(),
        step: runner::step(test).to_owned(),
        test: test.to_owned(),
        status,
        seconds: 0.0,
        message: message.to_owned(),
        why: None,
        section: None,
        sandbox: sandbox.to_string(),
        points: 0.0,
        self_reported: Vec::new(),
        commit: None,
    }
}
