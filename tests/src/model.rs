//! Runs a body under many schedules in the subject, and judges the outcomes in the judge.

use crate::failure;
use os_core::model::{Failure, Outcome, Step};
use serde::{Deserialize, Serialize};
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use wire::schedule::Schedule;

/// How many schedules are tried unless something goes wrong earlier.
const SCHEDULES: usize = 400;

/// In a subject: runs `body` under many schedules and returns all that came out, for the judge.
///
/// `body` must build all that its threads share, so that every run begins anew.
pub fn explore<T: Serialize + Send + 'static>(
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Explored<T> {
    let seed = failure::seed().unwrap_or_default();
    let explored = os_core::model::explore(seed, SCHEDULES, body);
    for outcome in &explored.outcomes {
        if let Err(Failure::Panicked(why)) = &outcome.value {
            // A `todo!` is not this schedule's doing: the subject ends as it would in a plain run.
            assert!(!why.contains("not yet implemented"), "{why}");
        }
    }
    Explored(explored)
}

/// What came out of a body under many schedules.
#[derive(Debug, Serialize, Deserialize)]
pub struct Explored<T>(os_core::model::Explored<T>);

impl<T: PartialEq + Debug> Explored<T> {
    /// Fails the test if under any schedule something else came out than `expected`: shows the schedule,
    /// and saves it for the book's stepper.
    ///
    /// # Panics
    /// To fail the test.
    pub fn expect_always(&self, expected: &T) {
        let wrong = self
            .0
            .outcomes
            .iter()
            .find(|outcome| outcome.value.as_ref().ok() != Some(expected));
        if let Some(outcome) = wrong {
            panic!("{}", self.tell(outcome, expected));
        }
        assert!(self.0.schedules > 0, "no schedule was run");
    }

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

    fn tell(&self, outcome: &Outcome<T>, expected: &T) -> String {
        let schedules = self.0.schedules;
        let mut text = match &outcome.value {
            Ok(value) => format!(
                "Under {} of {schedules} schedules the result was {value:?}; it must be {expected:?} under \
                 every one. One that shows it:\n",
                outcome.times
            ),
            Err(why) => format!("Under a schedule there was no result: {why}\nIt is this one:\n"),
        };
        text += &table(&outcome.steps);
        let result = match &outcome.value {
            Ok(value) => format!("{value:?}"),
            Err(why) => why.to_string(),
        };
        match save(&outcome.steps, result) {
            Ok(path) => {
                let _ = write!(
                    text,
                    "\n  saved   {}: play it in the book's stepper",
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
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main");
    let saved = Schedule::new(test, steps.to_vec(), outcome);
    let exe = std::env::current_exe()?;
    let target = exe
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = target.join("schedules");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(test.replace("::", "__") + ".json");
    let fresh = folder.join(format!(".{}.new", std::process::id()));
    std::fs::write(&fresh, serde_json::to_vec_pretty(&saved)?)?;
    std::fs::rename(&fresh, &path)?;
    // As a reader in the course's folder would name it.
    Ok(match target.parent().map(|root| path.strip_prefix(root)) {
        Some(Ok(short)) if target.with_file_name("Cargo.toml").exists() => short.to_owned(),
        _ => path,
    })
}
