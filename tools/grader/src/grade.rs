//! Judges submissions: compiles each as subject, runs the judge over it, and gives one record per test.

use crate::{
    course::{Chapter, Course},
    runner::{self, Plan, RunError, Status, TestResult},
    sandbox::{Level, Sandbox},
    slot::{Author, Slot, SlotError, SubjectError},
    sources::Sources,
    stop::Stop,
    submission::{Problem, Submission},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path, sync::Arc};

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
}

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
    sandbox: Sandbox,
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
            sandbox: Sandbox::none(),
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
        let slug = chapter.slug.as_str();
        let judge = match self.judge(slug, &mut progress)? {
            Ok(judge) => judge,
            Err(problem) => {
                let message = format!("there is no judge: {problem}");
                return Ok(vec![self.record(
                    &submission.name,
                    slug,
                    "",
                    Status::InfrastructureError,
                    &message,
                )]);
            }
        };
        let trial = match submission.sources.get(slug) {
            Some(Ok(sources)) => self.attempt(slug, sources, None, &mut progress)?,
            Some(Err(problem)) => {
                let (status, message) = problem.tell();
                Trial::Refused(status, message.to_owned())
            }
            None => Trial::Refused(
                Status::InfrastructureError,
                format!("it has no exercises/{slug}/src"),
            ),
        };
        let mut records: Vec<_> = match trial {
            Trial::Ran { results, .. } => results
                .into_iter()
                .map(|result| {
                    let found =
                        self.record(&submission.name, slug, &result.test, result.status, "");
                    judge.conclude(found, result)
                })
                .collect(),
            Trial::Refused(status, message) => {
                let tests = judge.tests.iter();
                tests
                    .map(|test| self.record(&submission.name, slug, test, status, &message))
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
        let compiled = self
            .slot
            .compile(slug, sources, Author::Learner, &self.stop, |line| {
                progress(Step::Cargo(line));
            });
        let subject = match compiled {
            Ok(subject) => subject,
            Err(SubjectError::Interrupted) => return Err(Interrupted),
            Err(SubjectError::Code(message)) => {
                return Ok(Trial::Refused(Status::CompileError, message));
            }
            Err(error @ SubjectError::Deadline(_)) => {
                return Ok(Trial::Refused(Status::CompileTimeout, error.to_string()));
            }
            Err(SubjectError::Rejected(message)) => {
                return Ok(Trial::Refused(Status::Rejected, message));
            }
            Err(SubjectError::Infrastructure(message)) => {
                return Ok(Trial::Refused(Status::InfrastructureError, message));
            }
        };
        let judged = |result: &TestResult| progress(Step::Judged(&result.test, result.status));
        match self.run(&judge, &subject.tests, only, judged) {
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

    /// Runs the judge over a subject.
    fn run(
        &self,
        judge: &Judge,
        subject: &Path,
        only: Option<&str>,
        on_result: impl FnMut(&TestResult),
    ) -> Result<Vec<TestResult>, RunError> {
        // A folder of its own: what the submission leaves in it goes with it.
        let dir = tempfile::Builder::new().prefix("course-grade-").tempdir();
        let dir = dir.map_err(|cause| RunError::Start {
            path: std::env::temp_dir(),
            cause,
        })?;
        let mut plan = Plan::new(judge.binary.to_path_buf());
        plan.subject = Some(subject.to_owned());
        plan.only = only.map(str::to_owned);
        plan.dir = Some(dir.path().to_owned());
        plan.untrusted = true;
        plan.sandbox = self.sandbox.clone();
        plan.readable = vec![self.course.root.join("tests"), self.slot.tests()];
        runner::run(&plan, &self.stop, on_result)
    }

    fn record(
        &self,
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
            sandbox: self.sandbox.level().to_string(),
        }
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
        let mut built = Vec::new();
        // The first build downloads and compiles what the tests depend on. In a sandbox, what a submission's compiler gets to
        // see must be enough, and is only then a reason to refuse one.
        let authors = match self.sandbox.level() {
            Level::L0 => &[Author::Course][..],
            _ => &[Author::Course, Author::Learner],
        };
        for author in authors {
            let compiled = self
                .slot
                .compile(slug, &solution, *author, &self.stop, |line| {
                    progress(Step::Cargo(line));
                });
            match compiled {
                Ok(subject) => built.push(subject.tests),
                Err(SubjectError::Interrupted) => return Err(Interrupted),
                Err(error) => {
                    return Ok(Err(format!(
                        "the reference solution does not build: {error}"
                    )));
                }
            }
        }
        let subject = built.pop();
        let Some(binary) = built.pop().or(subject) else {
            return Ok(Err("the reference solution was not built".to_owned()));
        };
        let judge = Judge {
            binary,
            tests: Vec::new(),
            excluded: BTreeMap::new(),
        };
        progress(Step::TryingJudge(slug));
        let tried = match self.sandbox.level() {
            Level::L0 => runner::run(&Plan::new(judge.binary.to_path_buf()), &self.stop, |_| {}),
            _ => self.run(&judge, &judge.binary, None, |_| {}),
        };
        match tried {
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

    /// Fills in what became of a test.
    fn conclude(&self, record: Record, result: TestResult) -> Record {
        if result.status != Status::Passed
            && let Some((status, why)) = self.excluded.get(&result.test)
        {
            return Record {
                seconds: result.seconds,
                status: *status,
                message: why.clone(),
                ..record
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
            status,
            message: result.message,
            why: result.why,
            section: result.section,
            ..record
        }
    }
}
