//! Runs the tests of a chapter and says of each what became of it.
//!
//! The judge is a compiled test binary of the chapter. Grading gives it another one as subject; a learner's own
//! `cargo course check` runs the learner's binary as both:
//!
//! ```no_run
//! # use grader::{runner::{self, Plan}, stop::Stop};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = Plan::new("target/debug/deps/memory-0123456789abcdef");
//! let results = runner::run(&plan, &Stop::on_signals()?, |result| println!("{} {}", result.test, result.status))?;
//! # Ok(()) }
//! ```
//!
//! One judge process runs all the tests: it never runs the learner's code itself, so that code can't bring it down. If it ends
//! early all the same, or stalls for longer than a test may take, each test that is still open gets a process of its own. So does a
//! submission's test whose subject was killed.

mod budget;
mod environment;
mod judge;
mod plan;
mod report;
mod shared_memory;
#[cfg(test)]
mod tests;

pub use plan::{Plan, RunError};
pub use wire::status::{Report as TestResult, Status, step};

use crate::{sandbox::Level, stop::Stop, text};
use budget::Budget;
use judge::Judge;
use std::{
    io,
    ops::ControlFlow,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    sync::mpsc,
    thread,
    time::Duration,
};
use supervise::{End, Keep, Options, Outcome};

/// How long the judge may take to name its tests.
const LIST_DEADLINE: Duration = Duration::from_secs(30);

/// Names the tests of the plan, in the order of the test binary.
///
/// # Errors
/// When the judge doesn't start or doesn't answer, when no test fits [`Plan::only`], or on a stop.
pub fn list(plan: &Plan, stop: &Stop) -> Result<Vec<String>, RunError> {
    let all = if plan.tests.is_empty() {
        ask(plan, stop)?
    } else {
        plan.tests.clone()
    };
    let Some(only) = &plan.only else {
        return Ok(all);
    };
    let chosen: Vec<_> = all
        .iter()
        .filter(|test| *test == only || step(test) == only)
        .cloned()
        .collect();
    if chosen.is_empty() {
        let mut steps: Vec<_> = all.iter().map(|test| step(test).to_owned()).collect();
        steps.dedup();
        return Err(RunError::Nothing {
            only: only.clone(),
            steps,
        });
    }
    Ok(chosen)
}

/// Asks the judge for the names of its tests.
fn ask(plan: &Plan, stop: &Stop) -> Result<Vec<String>, RunError> {
    let mut contained =
        environment::command(plan, None).map_err(|cause| cannot_start(plan, cause))?;
    let mut command = std::mem::replace(&mut contained.command, Command::new("true"));
    command.args(["--list", "--format", "terse"]);
    let mut options = Options::new(LIST_DEADLINE);
    options.stdout = Keep::First(1 << 20);
    options.limits = environment::limits(plan);
    let go_on = |_, _: &str| ControlFlow::Continue(());
    let outcome = supervise::run(command, &options, stop, go_on)
        .map_err(|cause| cannot_start(plan, cause))?;
    match outcome.end {
        End::Stopped => return Err(RunError::Interrupted),
        end if end.is_success() => {}
        _ => {
            return Err(RunError::List {
                path: plan.judge.clone(),
                problem: told(&outcome),
            });
        }
    }
    let stdout = outcome.stdout.text();
    let all = stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    Ok(all.map(str::to_owned).collect())
}

/// Runs the tests of the plan. `on_result` gets each result in the order of [`list`], as soon as those before it are in.
///
/// # Errors
/// As [`list`]. A test that can't be run is no error here: its result says [`Status::InfrastructureError`].
pub fn run(
    plan: &Plan,
    stop: &Stop,
    on_result: impl FnMut(&TestResult),
) -> Result<Vec<TestResult>, RunError> {
    let tests = list(plan, stop)?;
    let mut results = Results::new(&tests, on_result);
    let shared_memory = plan.shared_memory.as_ref();
    let outside = plan.sandbox.level() < Level::L2;
    results.excuse = shared_memory.filter(|_| outside).and_then(|folder| {
        let problem = shared_memory::problem(folder)?;
        Some((folder.clone(), problem))
    });
    let until = plan.budget.map(Budget::start);
    if tests.len() > 1 {
        run_together(plan, &tests, stop, until, &mut results)?;
    }
    let open = results.open();
    run_apart(plan, &open, stop, until, &mut results);
    if is_over(until) {
        let seconds = plan.budget.unwrap_or_default().as_secs();
        let message = format!(
            "the submission used up its {seconds} s: its tests that had not ended by then have timed out"
        );
        for test in results.open() {
            results.add(result(test, Status::Timeout, message.clone()));
        }
    }
    results.finish()
}

fn is_over(until: Option<Budget>) -> bool {
    until.is_some_and(|until| until.is_over())
}

/// The results of a run, told in the order of the tests.
struct Results<'a, F> {
    tests: &'a [String],
    slots: Vec<Option<TestResult>>,
    told: usize,
    on_result: F,
    /// Where shared memory should be, and why it can't be used.
    excuse: Option<(PathBuf, io::Error)>,
}

impl<'a, F: FnMut(&TestResult)> Results<'a, F> {
    fn new(tests: &'a [String], on_result: F) -> Self {
        Self {
            tests,
            slots: vec![None; tests.len()],
            told: 0,
            on_result,
            excuse: None,
        }
    }

    fn add(&mut self, result: TestResult) {
        let Some(index) = self.tests.iter().position(|test| *test == result.test) else {
            return;
        };
        let result = match &self.excuse {
            Some((folder, problem)) => shared_memory::excuse(result, folder, problem),
            None => result,
        };
        self.slots[index].get_or_insert(result);
        while let Some(Some(result)) = self.slots.get(self.told) {
            (self.on_result)(result);
            self.told += 1;
        }
    }

    fn open(&self) -> Vec<&'a str> {
        let both = self.tests.iter().zip(&self.slots);
        both.filter(|(_, slot)| slot.is_none())
            .map(|(test, _)| test.as_str())
            .collect()
    }

    fn finish(self) -> Result<Vec<TestResult>, RunError> {
        let results: Option<Vec<_>> = self.slots.into_iter().collect();
        results.ok_or(RunError::Interrupted)
    }
}

/// Runs all tests in one judge process. What it leaves open is left to [`run_apart`].
fn run_together<F: FnMut(&TestResult)>(
    plan: &Plan,
    tests: &[String],
    stop: &Stop,
    until: Option<Budget>,
    results: &mut Results<'_, F>,
) -> Result<(), RunError> {
    let trouble = |cause| cannot_start(plan, cause);
    let judge = Judge::start(plan, tests.iter().map(String::as_str)).map_err(trouble)?;
    let add = |results: &mut Results<'_, F>, result| {
        if !is_doubtful(plan, &result) {
            results.add(result);
        }
    };
    let watched = judge.watch(stop, until, |result| add(results, result));
    let (outcome, said) = watched.map_err(trouble)?;
    if outcome.end == End::Stopped {
        return Err(RunError::Interrupted);
    }
    for (test, printed) in &said.printed {
        if let Some(result) = said.conclude(test, *printed, Some(&outcome)) {
            add(results, result);
        }
    }
    Ok(())
}

/// Whether a submission's test is run again, apart. Somebody else may have killed its subject; if the submission's own code did it, that
/// ends the same way. And what kept a test from running may be left over from the submission's earlier tests.
fn is_doubtful(plan: &Plan, result: &TestResult) -> bool {
    let is_killed = result.killed && result.status == Status::Crash;
    plan.untrusted && (is_killed || result.status == Status::InfrastructureError)
}

/// Runs each test in a judge process of its own, several at a time.
fn run_apart<F: FnMut(&TestResult)>(
    plan: &Plan,
    tests: &[&str],
    stop: &Stop,
    until: Option<Budget>,
    results: &mut Results<'_, F>,
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (finished, received) = mpsc::channel();
        for _ in 0..plan.jobs.min(tests.len()) {
            let (finished, next) = (finished.clone(), &next);
            scope.spawn(move || {
                while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(result) = run_one(plan, test, stop, until) else {
                        break;
                    };
                    if finished.send(result).is_err() {
                        break;
                    }
                }
            });
        }
        drop(finished);
        for result in received {
            results.add(result);
        }
    });
}

/// Runs one test; `None` when somebody asked to stop, or the time of all is over.
fn run_one(plan: &Plan, test: &str, stop: &Stop, until: Option<Budget>) -> Option<TestResult> {
    if is_over(until) {
        return None;
    }
    let trouble = |error: io::Error| {
        result(
            test,
            Status::InfrastructureError,
            format!("the test could not be run: {error}"),
        )
    };
    let judged = Judge::start(plan, [test]).and_then(|judge| judge.watch(stop, until, |_| {}));
    let (outcome, said) = match judged {
        Ok(judged) => judged,
        Err(error) => return Some(trouble(error)),
    };
    let result = match outcome.end {
        End::Stopped => return None,
        End::Halted if is_over(until) => return None,
        End::TimeUp(_) => {
            let seconds = plan.deadline.as_secs_f64();
            let message = format!("no verdict after {seconds} s: the test was ended");
            result(test, Status::Timeout, message)
        }
        // A block that it looked at was shortened meanwhile. Nobody but the submission shares the judge's memory.
        end if end.signal() == Some(rustix::process::Signal::BUS.as_raw())
            && plan.untrusted
            && plan.sandbox.level() > Level::L0 =>
        {
            let message =
                "the judge read a block of shared memory that was shortened meanwhile".to_owned();
            result(test, Status::Crash, message)
        }
        _ => {
            let concluded = said.printed.get(test);
            let concluded = concluded.and_then(|how| said.conclude(test, *how, Some(&outcome)));
            concluded.unwrap_or_else(|| {
                let message = if outcome.end.is_success() {
                    "the judge ended without a report of the test".to_owned()
                } else {
                    format!("the judge {}", told(&outcome))
                };
                result(test, Status::InfrastructureError, message)
            })
        }
    };
    Some(TestResult {
        seconds: outcome.taken.as_secs_f64(),
        ..result
    })
}

fn result(test: &str, status: Status, message: String) -> TestResult {
    tidy(TestResult {
        test: test.to_owned(),
        status,
        message,
        why: None,
        section: None,
        seed: None,
        self_reported: Vec::new(),
        seconds: 0.0,
        killed: false,
    })
}

/// Cuts the texts to a length that a results file can bear.
fn tidy(result: TestResult) -> TestResult {
    TestResult {
        message: text::message(&result.message),
        why: result.why.as_deref().map(text::message),
        ..result
    }
}

fn cannot_start(plan: &Plan, cause: io::Error) -> RunError {
    RunError::Start {
        path: plan.judge.clone(),
        cause,
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome.last_complaint() {
        Some(last) => format!("{}: {last}", outcome.end),
        None => outcome.end.to_string(),
    }
}
