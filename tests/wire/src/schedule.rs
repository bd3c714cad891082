//! The steps that threads took, in order: what a model run found, a failure message shows and the book's stepper plays.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What one step did.
///
/// Values are text, as `{:?}` prints them: JSON numbers lose digits beyond 2^53 in a browser, and a lock may hold anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Op {
    /// Started another thread.
    Spawn {
        /// Its name.
        started: String,
    },
    /// Returned from the thread's function.
    End,
    /// Read a value.
    Load {
        /// What it saw.
        value: String,
    },
    /// Wrote a value.
    Store {
        /// What it wrote.
        value: String,
    },
    /// Read the old value and wrote a new one, in one step.
    Update {
        /// What it saw.
        before: String,
        /// What it wrote.
        after: String,
    },
    /// Wrote a value only if it found the expected one, in one step: it did not.
    CompareFailed {
        /// What it expected.
        expected: String,
        /// What it saw.
        value: String,
    },
    /// Acquired a lock.
    Lock {
        /// What the lock held at that moment, where that can be printed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Released a lock.
    Unlock {
        /// What it left in the lock, where that can be printed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Went to sleep on a condition variable, releasing its lock.
    Wait,
    /// Woke threads that sleep on a condition variable.
    Notify,
    /// Slept, or computed, for some time of the run's clock.
    Sleep {
        /// The moment at which it ends, from the beginning of the run.
        until: String,
    },
}

impl Op {
    /// Whether this is an access to something shared, rather than a thread's start, sleep or end.
    #[must_use]
    pub fn is_access(&self) -> bool {
        !matches!(self, Self::Spawn { .. } | Self::End | Self::Sleep { .. })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { started } => write!(f, "starts {started}"),
            Self::End => write!(f, "ends"),
            Self::Load { value } => write!(f, "reads {value}"),
            Self::Store { value } => write!(f, "writes {value}"),
            Self::Update { before, after } => write!(f, "reads {before} and writes {after}"),
            Self::CompareFailed { expected, value } => {
                write!(f, "expects {expected}, finds {value}")
            }
            Self::Lock { value: Some(value) } => write!(f, "locks, sees {value}"),
            Self::Lock { value: None } => write!(f, "locks"),
            Self::Unlock { value: Some(value) } => write!(f, "unlocks, leaves {value}"),
            Self::Unlock { value: None } => write!(f, "unlocks"),
            Self::Wait => write!(f, "waits"),
            Self::Notify => write!(f, "notifies"),
            Self::Sleep { until } => write!(f, "sleeps until {until}"),
        }
    }
}

/// One step of one thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `main`, or `A`, `B`, … in the order in which the threads were started.
    pub thread: String,
    /// What it did.
    #[serde(flatten)]
    pub op: Op,
    /// To what: `counter`, `lock`, `counter 2`, …; empty for a thread's start and end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
}

/// A schedule on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The test that failed, `<step>::<test>`.
    pub test: String,
    /// The threads' names, `main` first.
    pub threads: Vec<String>,
    /// The steps in the order in which they were taken.
    pub steps: Vec<Step>,
    /// What came out.
    pub outcome: String,
}

impl Schedule {
    /// A schedule of these steps; collects the threads' names from them.
    #[must_use]
    pub fn new(test: &str, steps: Vec<Step>, outcome: String) -> Self {
        let mut threads: Vec<String> = Vec::new();
        for step in &steps {
            if !threads.contains(&step.thread) {
                threads.push(step.thread.clone());
            }
        }
        // `AA` comes after `Z`.
        threads.sort_by_key(|name| (name != "main", name.len(), name.clone()));
        Self {
            test: test.to_owned(),
            threads,
            steps,
            outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(thread: &str, op: Op, object: &str) -> Step {
        Step {
            thread: thread.into(),
            op,
            object: object.into(),
        }
    }

    #[test]
    fn a_schedule_is_the_json_that_the_stepper_reads() {
        let steps = vec![
            step(
                "main",
                Op::Spawn {
                    started: "A".into(),
                },
                "",
            ),
            step("A", Op::Load { value: "0".into() }, "counter"),
            step("A", Op::Lock { value: None }, "lock"),
            step("A", Op::End, ""),
        ];
        let schedule = Schedule::new("step::test", steps, "1".into());
        let json = serde_json::to_value(&schedule).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "test": "step::test",
                "threads": ["main", "A"],
                "steps": [
                    {"thread": "main", "kind": "spawn", "started": "A"},
                    {"thread": "A", "kind": "load", "value": "0", "object": "counter"},
                    {"thread": "A", "kind": "lock", "object": "lock"},
                    {"thread": "A", "kind": "end"},
                ],
                "outcome": "1",
            }),
        );
        assert_eq!(serde_json::from_value::<Schedule>(json).unwrap(), schedule);
    }
}
