//! What came out of model runs.

use super::run::{Ended, MAX_STEPS, Record, SHOWN_STEPS, label};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use wire::schedule::{Op, Step};

/// Why a body returned nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// A thread panicked, and so did `main`, or it was `main`: `panicked at src/lib.rs:12: message`, of the first panic.
    Panicked(String),
    /// No thread could go on: who waits for what.
    Deadlock(String),
    /// There was no end in sight: which thread keeps doing what.
    Endless(String),
    /// Two threads used plain data at the same time, and one of them wrote.
    Race(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(description) => write!(f, "{description}"),
            Self::Deadlock(waits) => write!(f, "deadlock: {waits}"),
            Self::Race(what) => write!(f, "data race: {what}"),
            Self::Endless(spins) => write!(f, "no end after {MAX_STEPS} steps: {spins}"),
        }
    }
}

/// What a body returned, and a schedule under which it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome<T> {
    /// What the body returned, or why it did not.
    pub value: Result<T, Failure>,
    /// Under how many of the explored schedules.
    pub times: usize,
    /// The steps, of the schedule with the fewest switches between threads, if possible of one that is shown in full.
    pub steps: Vec<Step>,
}

/// All that came out of running one body under many schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explored<T> {
    /// How many schedules were run.
    pub schedules: usize,
    /// The different outcomes, in the order in which they were first seen.
    pub outcomes: Vec<Outcome<T>>,
    /// The threads that used something shared, under any of the schedules.
    pub sharers: BTreeSet<String>,
    /// How many threads were alive, under some schedule, before any of them (`main` aside) had written anything: so many run
    /// at the same time.
    pub at_once: usize,
    /// How many threads, besides `main`, used one and the same object under some schedule.
    pub on_one_object: usize,
    /// Whether the body returned without having joined every thread, under some schedule.
    pub leaves_threads: bool,
}

/// Collects what comes out of schedule after schedule.
pub(super) struct Collector<T> {
    /// Each with its value as JSON, and how hard its steps are to read.
    outcomes: Vec<(String, (bool, usize), Outcome<T>)>,
    explored: Explored<T>,
}

impl<T: Serialize> Collector<T> {
    pub fn new() -> Self {
        Self {
            outcomes: Vec::new(),
            explored: Explored {
                schedules: 0,
                outcomes: Vec::new(),
                sharers: BTreeSet::new(),
                at_once: 0,
                on_one_object: 0,
                leaves_threads: false,
            },
        }
    }

    /// Adds what came out of one schedule; returns the outcome to which it belongs.
    pub fn add(&mut self, value: Result<T, Failure>, ended: &Ended) -> &Outcome<T> {
        self.explored.schedules += 1;
        self.note_threads(&ended.records);
        self.explored.leaves_threads |= value.is_ok() && ended.leaves_threads;
        let key = match &value {
            Ok(value) => serde_json::to_string(value).unwrap_or_default(),
            Err(failure) => format!("{failure:?}"),
        };
        // Steps that are cut off after a long spin say little.
        let is_cut = ended.records.len() > SHOWN_STEPS;
        let effort = (is_cut, switches(&ended.records));
        let at = match self.outcomes.iter().position(|(other, ..)| *other == key) {
            Some(at) => at,
            None => {
                let steps = ended.steps();
                self.outcomes.push((
                    key,
                    effort,
                    Outcome {
                        value,
                        times: 0,
                        steps,
                    },
                ));
                self.outcomes.len() - 1
            }
        };
        let (_, least, outcome) = &mut self.outcomes[at];
        outcome.times += 1;
        if effort < *least {
            *least = effort;
            outcome.steps = ended.steps();
        }
        outcome
    }

    fn note_threads(&mut self, records: &[Record]) {
        let mut alive: usize = 0;
        let mut written = false;
        let mut users: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for record in records {
            match record.op {
                Op::Store { .. } | Op::Update { .. } | Op::Unlock { .. } if record.task != 0 => {
                    written = true;
                }
                Op::Spawn { .. } if !written => {
                    alive += 1;
                    self.explored.at_once = self.explored.at_once.max(alive);
                }
                Op::End => alive = alive.saturating_sub(1),
                _ => {}
            }
            if let Some(object) = record.object {
                users.entry(object).or_default().insert(record.task);
            }
        }
        for users in users.values() {
            let threads = users.iter().filter(|task| **task != 0).count();
            self.explored.on_one_object = self.explored.on_one_object.max(threads);
            self.explored
                .sharers
                .extend(users.iter().map(|task| label(*task)));
        }
    }

    pub fn finish(mut self) -> Explored<T> {
        self.explored.outcomes = self
            .outcomes
            .into_iter()
            .map(|(.., outcome)| outcome)
            .collect();
        self.explored
    }
}

fn switches(records: &[Record]) -> usize {
    records
        .windows(2)
        .filter(|pair| pair[0].task != pair[1].task)
        .count()
}
