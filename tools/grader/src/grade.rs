//! Judges submissions: compiles each as subject, runs the judge over it, and gives one record per test.

use crate::{
    course::{Chapter, Course},
    runner::{self, Plan, RunError, Status, TestResult},
    slot::{Slot, SlotError, Subject, SubjectError},
    sources::{Sources, SourcesError},
    stop::Stop,
    submission::{Problem, Submission},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

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
    /// What isolated the submission's code from the rest of the machine.
    pub sandbox: String,
}

/// The current level of isolation, stated in every record: none, the code runs as the user who grades.
pub const SANDBOX: &str = "none";

/// The judge of a chapter: the reference solution's test binary, and what it can judge on this machine.
#[derive(Debug)]
struct Judge {
    binary: tempfile::TempPath,
    tests: Vec<String>,
    /// Tests that the reference solution itself does not pass here, with the reason. A failure of one is no verdict.
    excluded: BTreeMap<String, (Status, String)>,
}

/// Judges submissions, one after the other.
#[derive(Debug)]
pub struct Grader {
    course: Course,
    slot: Slot,
    stop: Stop,
    judges: BTreeMap<String, Result<Arc<Judge>, String>>,
}

/// A stop was requested: the submission at hand has no verdict.
#[derive(Debug, thiserror::Error)]
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
        })
    }

    /// Returns the record of a submission without a single exercise that can be judged.
    #[must_use]
    pub fn refuse(submission: &Submission, problem: &Problem) -> Record {
        let (status, message) = match problem {
            Problem::Rejected(why) => (Status::Rejected, why),
            Problem::Infrastructure(why) => (Status::InfrastructureError, why),
        };
        record(&submission.name, "", "", status, message)
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
        let slug = chapter.slug.as_str();
        let sources = Sources::of_submission(&submission.folder, slug);
        let judge = match self.judge(slug, &mut progress)? {
            Ok(judge) => judge,
            Err(problem) => {
                let message = format!("there is no judge: {problem}");
                return Ok(vec![record(
                    &submission.name,
                    slug,
                    "",
                    Status::InfrastructureError,
                    &message,
                )]);
            }
        };
        let trial = match sources {
            Ok(sources) => self.attempt(slug, &sources, None, &mut progress)?,
            Err(error @ SourcesError::Rejected(_)) => {
                Trial::Refused(Status::Rejected, error.to_string())
            }
            Err(error @ SourcesError::Read { .. }) => {
                Trial::Refused(Status::InfrastructureError, error.to_string())
            }
        };
        let mut records: Vec<_> = match trial {
            Trial::Ran { results, .. } => results
                .into_iter()
                .map(|result| judge.record(&submission.name, slug, result))
                .collect(),
            Trial::Refused(status, message) => {
                let tests = judge.tests.iter();
                tests
                    .map(|test| record(&submission.name, slug, test, status, &message))
                    .collect()
            }
        };
        records.sort_by_key(|record| chapter.steps.iter().position(|step| *step == record.step));
        Ok(records)
    }

    /// Compiles `sources` and runs the judge over them: every test, or the step or test that `only` names.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn attempt(
        &mut self,
        slug: &str,
        sources: &Sources,
        only: Option<&str>,
        mut progress: impl FnMut(Step<'_>),
    ) -> Result<Trial, Interrupted> {
        let judge = match self.judge(slug, &mut progress)? {
            Ok(judge) => judge,
            Err(problem) => {
                return Ok(Trial::Refused(
                    Status::InfrastructureError,
                    format!("there is no judge: {problem}"),
                ));
            }
        };
        progress(Step::Building);
        let compiled = self.slot.compile(slug, sources, &self.stop, |line| {
            progress(Step::Cargo(line))
        });
        let subject = match compiled {
            Ok(subject) => subject,
            Err(SubjectError::Interrupted) => return Err(Interrupted),
            Err(SubjectError::Code(message)) => {
                return Ok(Trial::Refused(Status::CompileError, message));
            }
            Err(SubjectError::Rejected(message)) => {
                return Ok(Trial::Refused(Status::Rejected, message));
            }
            Err(SubjectError::Infrastructure(message)) => {
                return Ok(Trial::Refused(Status::InfrastructureError, message));
            }
        };
        let judged = |result: &TestResult| progress(Step::Judged(&result.test, result.status));
        match run(&judge, &subject, only, &self.stop, judged) {
            Ok(results) => Ok(Trial::Ran {
                warnings: subject.warnings,
                results,
            }),
            Err(RunError::Interrupted) => Err(Interrupted),
            Err(error) => Ok(Trial::Refused(
                Status::InfrastructureError,
                error.to_string(),
            )),
        }
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

    fn judge(
        &mut self,
        slug: &str,
        progress: &mut dyn FnMut(Step<'_>),
    ) -> Result<Result<Arc<Judge>, String>, Interrupted> {
        if let Some(judge) = self.judges.get(slug) {
            return Ok(judge.clone());
        }
        let judge = self.make_judge(slug, progress)?.map(Arc::new);
        self.judges.insert(slug.to_owned(), judge.clone());
        Ok(judge)
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
        let subject = match self.slot.compile(slug, &solution, &self.stop, |line| {
            progress(Step::Cargo(line))
        }) {
            Ok(subject) => subject,
            Err(SubjectError::Interrupted) => return Err(Interrupted),
            Err(error) => {
                return Ok(Err(format!(
                    "the reference solution does not build: {error}"
                )));
            }
        };
        let judge = Judge {
            binary: subject.tests,
            tests: Vec::new(),
            excluded: BTreeMap::new(),
        };
        progress(Step::TryingJudge(slug));
        match runner::run(&Plan::new(judge.binary.to_path_buf()), &self.stop, |_| {}) {
            Ok(results) => Ok(Ok(judge.with_baseline(results))),
            Err(RunError::Interrupted) => Err(Interrupted),
            Err(error) => Ok(Err(error.to_string())),
        }
    }
}

impl Judge {
    /// Excludes the tests that the reference solution does not pass on this machine.
    fn with_baseline(mut self, results: Vec<TestResult>) -> Self {
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

    fn record(&self, submission: &str, slug: &str, result: TestResult) -> Record {
        if result.status != Status::Passed
            && let Some((status, why)) = self.excluded.get(&result.test)
        {
            return Record {
                seconds: result.seconds,
                ..record(submission, slug, &result.test, *status, why)
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
            why: result.why.clone(),
            section: result.section.clone(),
            ..record(submission, slug, &result.test, status, &result.message)
        }
    }
}

fn run(
    judge: &Judge,
    subject: &Subject,
    only: Option<&str>,
    stop: &Stop,
    on_result: impl FnMut(&TestResult),
) -> Result<Vec<TestResult>, RunError> {
    // A folder of its own: what the submission leaves in it goes with it.
    let dir = tempfile::Builder::new().prefix("course-grade-").tempdir();
    let dir = dir.map_err(|cause| RunError::Start {
        path: std::env::temp_dir(),
        cause,
    })?;
    let mut plan = Plan::new(judge.binary.to_path_buf());
    plan.subject = Some(subject.tests.to_path_buf());
    plan.only = only.map(str::to_owned);
    plan.dir = Some(dir.path().to_owned());
    plan.untrusted = true;
    runner::run(&plan, stop, on_result)
}

fn record(submission: &str, exercise: &str, test: &str, status: Status, message: &str) -> Record {
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
        sandbox: SANDBOX.to_owned(),
    }
}
