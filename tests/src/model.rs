//! Runs a body under many schedules in the subject, and judges the outcomes in the judge.

use crate::account::{Schedules, SelfReported};
use crate::{failure, subject};
use os_core::model::{Failure, Outcome, Turn};
use serde::{Deserialize, Serialize};
use std::fmt::{Debug, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use wire::schedule::{Op, Schedule, Step};

/// How many schedules are tried unless something goes wrong earlier.
const SCHEDULES: usize = 120;

/// In a subject: runs `body` under many schedules and returns what came out, for the judge.
///
/// It stops at the second outcome that differs from the first: one of the two is wrong. `body` must build all that its threads
/// share, so that every run begins anew.
pub fn explore<T: Serialize + Send + 'static>(
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Explored<T> {
    explore_schedules(SCHEDULES, body)
}

/// [`explore`], with a number of schedules.
pub fn explore_schedules<T: Serialize + Send + 'static>(
    schedules: usize,
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Explored<T> {
    let seed = failure::seed().unwrap_or_default();
    let (mut run, mut different) = (0, 0);
    let explored = os_core::model::explore_until(seed, schedules, body, move |outcome| {
        run += 1;
        if run % 20 == 1 {
            subject::progress(format!(
                "It was running under schedule {run} of {schedules}"
            ));
        }
        different += usize::from(outcome.times == 1);
        if different > 1 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    for outcome in &explored.outcomes {
        if let Err(Failure::Panicked(why)) = &outcome.value {
            // A `todo!` isn't this schedule's doing: the subject ends as it would in a plain run.
            assert!(!why.contains("not yet implemented"), "{why}");
        }
    }
    Explored::new(Outcomes(explored))
}

/// Runs `body` by a schedule written by hand: see [`os_core::model::replay`].
pub fn replay<T: Send + 'static>(
    turns: &[Turn],
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Replay<T> {
    Replay::new(os_core::model::replay(turns, body))
}

/// What came of a schedule written by hand, by the subject's account.
pub type Replay<T> = SelfReported<os_core::model::Replay<T>, Schedules>;

/// What came out of a body under many schedules, by the subject's account.
pub type Explored<T> = SelfReported<Outcomes<T>, Schedules>;

/// What [`Explored`] holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcomes<T>(os_core::model::Explored<T>);

impl<T: PartialEq + Debug> Outcomes<T> {
    /// Fails the test if under any schedule something else came out than `expected`: shows the schedule, and saves it for the
    /// book's stepper.
    ///
    /// # Panics
    /// To fail the test.
    pub fn expect_always(&self, expected: &T) {
        if let Some(outcome) = self.failing(expected) {
            let say = |value: &T| {
                format!("the result was {value:?}; it must be {expected:?} under every one")
            };
            panic!("{}", self.describe(outcome, say));
        }
        assert!(self.0.schedules > 0, "no schedule was run");
    }

    /// A value that satisfies a predicate, if one came out. A schedule with no value at all fails the test.
    ///
    /// # Panics
    /// To fail the test.
    pub fn find(&self, is: impl Fn(&T) -> bool) -> Option<&T> {
        if let Some(outcome) = self
            .0
            .outcomes
            .iter()
            .find(|outcome| outcome.value.is_err())
        {
            panic!("{}", self.describe(outcome, |_| String::new()));
        }
        let values = self
            .0
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.value.as_ref().ok());
        values.into_iter().find(|value| is(value))
    }

    fn failing(&self, expected: &T) -> Option<&Outcome<T>> {
        self.0
            .outcomes
            .iter()
            .find(|outcome| outcome.value.as_ref().ok() != Some(expected))
    }

    /// The steps of schedules under which `expected` came out.
    pub fn passing(&self, expected: &T) -> impl Iterator<Item = &[Step]> {
        self.0
            .outcomes
            .iter()
            .filter(move |outcome| outcome.value.as_ref().ok() == Some(expected))
            .map(|outcome| outcome.steps.as_slice())
    }

    fn describe(&self, outcome: &Outcome<T>, say: impl Fn(&T) -> String) -> String {
        let which = match self.0.schedules {
            1 => "Under the first schedule".to_owned(),
            n => format!("Under one of {n} schedules"),
        };
        let (mut text, result) = match &outcome.value {
            Ok(value) => {
                let said = say(value);
                // A list, say of what each thread does, isn't the place to go on in.
                let end = if said.contains('\n') { "\n" } else { ". " };
                (
                    format!("{which} {said}{end}This is the schedule:\n"),
                    format!("{value:?}"),
                )
            }
            Err(failure) => (
                format!("{which} there was no result: {failure}. This is the schedule:\n"),
                failure.to_string(),
            ),
        };
        text += &table(&outcome.steps);
        // A grader's sandbox is gone, and the file with it, before anybody reads this.
        if std::env::var_os("CHECKS_SAVE_SCHEDULES").is_some_and(|save| save == "no") {
            return text;
        }
        match save(&outcome.steps, result) {
            Ok(path) => {
                let place = match path.is_absolute() {
                    true => "",
                    false => " in the course's folder",
                };
                let _ = write!(
                    text,
                    "\n  saved   {}{place}, with every step\n  play    in the stepper of Memory's exercise, \
                     under \"How to read a failing schedule\"",
                    path.display()
                );
            }
            Err(why) => {
                let _ = write!(text, "\n  (the schedule could not be saved: {why})");
            }
        }
        text
    }
}

impl Outcomes<Option<String>> {
    /// Fails the test if under any schedule the body returned a complaint, or nothing at all: shows the schedule, and saves it.
    ///
    /// # Panics
    /// To fail the test.
    pub fn expect_no_complaint(&self) {
        if let Some(outcome) = self.failing(&None) {
            let say = |complaint: &Option<String>| complaint.clone().unwrap_or_default();
            panic!("{}", self.describe(outcome, say));
        }
        assert!(self.0.schedules > 0, "no schedule was run");
    }

    /// Whether the complaint that [`expect_no_complaint`](Self::expect_no_complaint) shows satisfies a predicate.
    pub fn complains(&self, is: impl Fn(&str) -> bool) -> bool {
        let complaint = self
            .failing(&None)
            .and_then(|outcome| outcome.value.as_ref().ok());
        matches!(complaint, Some(Some(complaint)) if is(complaint))
    }
}

impl<T> Outcomes<T> {
    /// How many schedules were run.
    #[must_use]
    pub fn schedules(&self) -> usize {
        self.0.schedules
    }

    /// Whether the thread (`A`, `B`, …) used something of `os::sync` that is shared, under any schedule.
    #[must_use]
    pub fn shares(&self, thread: &str) -> bool {
        self.0.sharers.contains(thread)
    }

    /// How many threads were alive at the same time, under some schedule.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.0.at_once
    }

    /// Whether, under some schedule, the body returned while a thread was still running.
    #[must_use]
    pub fn leaves_threads(&self) -> bool {
        self.0.leaves_threads
    }

    /// The data race that was found under some schedule, in words.
    #[must_use]
    pub fn race(&self) -> Option<&str> {
        let outcomes = self.0.outcomes.iter();
        outcomes
            .filter_map(|outcome| outcome.value.as_ref().err())
            .find_map(|failure| match failure {
                Failure::Race(what) => Some(what.as_str()),
                _ => None,
            })
    }

    /// Whether, under some schedule, no thread could go on.
    #[must_use]
    pub fn deadlocks(&self) -> bool {
        let outcomes = self.0.outcomes.iter();
        outcomes
            .filter_map(|outcome| outcome.value.as_ref().err())
            .any(|failure| matches!(failure, Failure::Deadlock(_)))
    }

    /// Whether, under some schedule, no thread could go on, and one of them waited for what it had locked itself.
    #[must_use]
    pub fn deadlocks_alone(&self) -> bool {
        let outcomes = self.0.outcomes.iter();
        outcomes
            .filter_map(|outcome| outcome.value.as_ref().err())
            .any(|failure| {
                matches!(failure, Failure::Deadlock(why) if why.contains("which it holds itself"))
            })
    }

    /// Whether, under some schedule, there was no end in sight.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        let outcomes = self.0.outcomes.iter();
        outcomes
            .filter_map(|outcome| outcome.value.as_ref().err())
            .any(|failure| matches!(failure, Failure::Endless(_)))
    }

    /// Whether, in one of the schedules kept, `main` returned before a thread had ended, or used something for the last time
    /// before another thread changed it.
    #[must_use]
    pub fn main_reads_too_early(&self) -> bool {
        self.0.outcomes.iter().any(|outcome| {
            if outcome.value.is_ok() && has_unfinished(&outcome.steps) {
                return true;
            }
            let last = outcome
                .steps
                .iter()
                .rposition(|step| step.thread == "main" && step.op.is_access());
            let Some(last) = last else { return false };
            let object = &outcome.steps[last].object;
            outcome.steps[last..].iter().any(|step| {
                step.thread != "main"
                    && step.object == *object
                    && matches!(
                        step.op,
                        Op::Store { .. } | Op::Update { .. } | Op::Unlock { .. }
                    )
            })
        })
    }
}

/// Whether a thread that was started has not ended.
fn has_unfinished(steps: &[Step]) -> bool {
    let count = |is: fn(&Op) -> bool| steps.iter().filter(|step| is(&step.op)).count();
    count(|op| matches!(op, Op::Spawn { .. })) > count(|op| matches!(op, Op::End))
}

/// A line for each step.
fn table(steps: &[Step]) -> String {
    const SHOW: usize = 40;
    let mut text = String::new();
    for step in steps.iter().take(SHOW) {
        let _ = writeln!(
            text,
            "    {:<6} {:<10} {}",
            step.thread, step.object, step.op
        );
    }
    if steps.len() > SHOW {
        let _ = writeln!(text, "    … and {} more steps", steps.len() - SHOW);
    }
    text
}

fn save(steps: &[Step], outcome: String) -> std::io::Result<PathBuf> {
    let test = failure::test_name();
    let saved = Schedule::new(&test, steps.to_vec(), outcome);
    let exe = std::env::current_exe()?;
    let target = exe
        .ancestors()
        // Cargo leaves the first in a target folder that it makes itself, the second in any.
        .find(|folder| {
            folder.join("CACHEDIR.TAG").exists() || folder.join(".rustc_info.json").exists()
        })
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = target.join("schedules");
    std::fs::create_dir_all(&folder)?;
    let name = test.replace("::", "__");
    let path = folder.join(format!("{name}.json"));
    // Tests of one process save at the same time, so the process alone is no name.
    let fresh = folder.join(format!(".{name}.{}.new", std::process::id()));
    std::fs::write(&fresh, serde_json::to_vec_pretty(&saved)?)?;
    std::fs::rename(&fresh, &path)?;
    // As a reader in the course's folder would name it.
    Ok(match target.parent().map(|root| path.strip_prefix(root)) {
        Some(Ok(short)) if target.with_file_name("Cargo.toml").exists() => short.to_owned(),
        _ => path,
    })
}
