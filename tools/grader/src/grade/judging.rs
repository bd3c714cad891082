//! Compiles submissions and runs the judge over them, on any number of threads.

use super::{Interrupted, Judge, Record, Trial, record};
use crate::{
    course::Chapter,
    runner::{self, Plan, RunError, Status, TestResult},
    sandbox::Sandbox,
    scratch,
    slot::{Subject, SubjectError, Units},
    sources::Sources,
    stop::Stop,
    submission::Submission,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// An exercise of a submission, compiled.
#[derive(Debug)]
pub struct Unit {
    pub(super) submission: String,
    pub(super) chapter: Chapter,
    pub(super) judge: Arc<Judge>,
    pub(super) subject: Option<Subject>,
}

/// Sources that are nobody's submission, compiled.
#[derive(Debug)]
pub struct Attempt {
    pub(super) judge: Arc<Judge>,
    pub(super) subject: Subject,
}

/// What compiling came to.
#[derive(Debug)]
pub enum Prepared {
    /// It can be run.
    Ready(Box<Unit>),
    /// There is nothing to run: these are the records.
    Done(Vec<Record>),
}

/// What the judge is asked.
pub(super) enum Asked<'a> {
    /// A submission's mark. Its learner reads the messages somewhere else, where no schedule was saved.
    Mark,
    /// What the learner would see.
    Trial {
        /// A step or test; without it, every test.
        only: Option<&'a str>,
    },
}

/// Compiles and judges, on any number of threads.
#[derive(Clone, Debug)]
pub struct Judging {
    pub(super) sandbox: Sandbox,
    pub(super) stop: Stop,
    pub(super) budget: Option<Duration>,
    pub(super) readable: Vec<PathBuf>,
    pub(super) units: Units,
}

impl Judging {
    /// Compiles one exercise of a submission, for `judge`.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn prepare(
        &self,
        submission: &Submission,
        chapter: &Chapter,
        judge: Result<Arc<Judge>, String>,
    ) -> Result<Prepared, Interrupted> {
        let slug = chapter.slug.as_str();
        let judge = match judge {
            Ok(judge) => judge,
            Err(problem) => {
                let message = format!("there is no judge: {problem}");
                let status = Status::InfrastructureError;
                let level = self.sandbox.level();
                let record = record(level, &submission.name, slug, "", status, &message);
                return Ok(Prepared::Done(vec![record]));
            }
        };
        let compiled = match submission.sources.get(slug) {
            Some(Ok(sources)) => self.compile(&judge, slug, sources)?,
            Some(Err(problem)) => {
                let (status, message) = problem.tell();
                Err((status, message.to_owned()))
            }
            None => Err((Status::Rejected, format!("it has no exercises/{slug}/src"))),
        };
        let mut unit = Unit {
            submission: submission.name.clone(),
            chapter: chapter.clone(),
            judge,
            subject: None,
        };
        Ok(match compiled {
            Ok(subject) => {
                unit.subject = Some(subject);
                Prepared::Ready(Box::new(unit))
            }
            Err((status, message)) => Prepared::Done(self.refused(&unit, status, &message)),
        })
    }

    /// Compiles sources that are nobody's submission, for [`attempt`](Self::attempt); or says why there is nothing to run.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn compile_only(
        &self,
        judge: Result<Arc<Judge>, String>,
        slug: &str,
        sources: &Sources,
    ) -> Result<Result<Attempt, Trial>, Interrupted> {
        let refused = |status, message| Ok(Err(Trial::Refused(status, message)));
        let judge = match judge {
            Ok(judge) => judge,
            Err(problem) => {
                let why = format!("there is no judge: {problem}");
                return refused(Status::InfrastructureError, why);
            }
        };
        match self.compile(&judge, slug, sources)? {
            Ok(subject) => Ok(Ok(Attempt { judge, subject })),
            Err((status, message)) => refused(status, message),
        }
    }

    /// Compiles `sources`; or says why there is nothing to run.
    fn compile(
        &self,
        judge: &Judge,
        slug: &str,
        sources: &Sources,
    ) -> Result<Result<Subject, (Status, String)>, Interrupted> {
        let compile = || self.units.compile(&judge.recipe, slug, sources, &self.stop);
        let mut compiled = compile();
        // Something of ours may have failed for a moment, or somebody has killed the compiler.
        if let Err(SubjectError::Infrastructure(_) | SubjectError::Killed(_)) = compiled {
            compiled = compile();
        }
        let error = match compiled {
            Ok(subject) => return Ok(Ok(subject)),
            Err(error) => error,
        };
        let status = match &error {
            SubjectError::Interrupted => return Err(Interrupted),
            SubjectError::Code(_) => Status::CompileError,
            SubjectError::Deadline(_) => Status::CompileTimeout,
            SubjectError::Rejected(_) => Status::Rejected,
            // It may have used up the machine's memory. The reference solution didn't.
            SubjectError::Killed(_) if !self.sandbox.counts_memory() => Status::CompileError,
            SubjectError::Killed(_) | SubjectError::Infrastructure(_) => {
                Status::InfrastructureError
            }
        };
        Ok(Err((status, error.to_string())))
    }

    /// Judges a unit: one record per test, in the order of the steps.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn run(
        &self,
        unit: &Unit,
        on_result: impl FnMut(&TestResult),
    ) -> Result<Vec<Record>, Interrupted> {
        let Some(subject) = &unit.subject else {
            return Ok(Vec::new());
        };
        let judge = |on_result: &mut dyn FnMut(&TestResult)| {
            self.judge(&unit.judge, &subject.tests, &Asked::Mark, on_result)
        };
        let mut on_result = on_result;
        let mut results = judge(&mut on_result);
        // Something of ours may have failed for a moment: once more, before it costs somebody's mark.
        let again = match &results {
            Ok(results) => unit.is_ours(results),
            Err(error) => !matches!(error, RunError::Interrupted),
        };
        if again {
            results = judge(&mut on_result);
        }
        let results = match results {
            Ok(results) => results,
            Err(RunError::Interrupted) => return Err(Interrupted),
            Err(error) => {
                let status = Status::InfrastructureError;
                return Ok(self.refused(unit, status, &error.to_string()));
            }
        };
        let records = results.into_iter().map(|result| {
            let found = self.record(unit, &result.test, result.status, "");
            unit.judge.conclude(found, result)
        });
        Ok(unit.in_order(records.collect()))
    }

    /// Runs the judge over an attempt: every test, or the step or test that `only` names.
    ///
    /// # Errors
    /// Only on a stop.
    pub fn attempt(&self, attempt: Attempt, only: Option<&str>) -> Result<Trial, Interrupted> {
        let Attempt { judge, subject } = attempt;
        match self.judge(&judge, &subject.tests, &Asked::Trial { only }, |_| {}) {
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

    /// The records of a unit that can't be run: for each test the same.
    pub(super) fn refused(&self, unit: &Unit, status: Status, message: &str) -> Vec<Record> {
        let tests = unit.judge.tests.iter();
        unit.in_order(
            tests
                .map(|test| self.record(unit, test, status, message))
                .collect(),
        )
    }

    /// Runs the judge over a subject.
    pub(super) fn judge(
        &self,
        judge: &Judge,
        subject: &Path,
        asked: &Asked<'_>,
        on_result: impl FnMut(&TestResult),
    ) -> Result<Vec<TestResult>, RunError> {
        // A folder of its own: what the submission leaves in it goes with it.
        let dir = scratch::folder("grade-");
        let dir = dir.map_err(|cause| RunError::Start {
            path: std::env::temp_dir(),
            cause,
        })?;
        let mut plan = Plan::new(judge.binary.to_path_buf());
        plan.subject = Some(subject.to_owned());
        match asked {
            Asked::Mark => plan.saves_schedules = false,
            Asked::Trial { only } => plan.only = only.map(str::to_owned),
        }
        plan.dir = Some(dir.path().to_owned());
        plan.untrusted = true;
        plan.budget = self.budget;
        plan.computes = judge.computes();
        plan.tests.clone_from(&judge.tests);
        plan.sandbox = self.sandbox.clone();
        plan.readable.clone_from(&self.readable);
        runner::run(&plan, &self.stop, on_result)
    }

    fn record(&self, unit: &Unit, test: &str, status: Status, message: &str) -> Record {
        let slug = &unit.chapter.slug;
        record(
            self.sandbox.level(),
            &unit.submission,
            slug,
            test,
            status,
            message,
        )
    }
}

impl Unit {
    /// Whether a test failed for a reason of ours, though the reference solution passes it here.
    fn is_ours(&self, results: &[TestResult]) -> bool {
        results.iter().any(|result| {
            result.status == Status::InfrastructureError
                && !self.judge.excluded.contains_key(&result.test)
        })
    }

    fn in_order(&self, mut records: Vec<Record>) -> Vec<Record> {
        let steps = &self.chapter.steps;
        records.sort_by_key(|record| steps.iter().position(|step| *step == record.step));
        records
    }
}
