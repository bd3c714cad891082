//! A schedule written by hand.

use super::explore::{lock, run_main};
use super::outcome::Failure;
use super::run::{self, label};
use super::schedulers::{Strategy, View, run_under};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use wire::schedule::Step;

/// Whose turn it is, when the schedule is written by hand: the thread that was started first is `A`, the second `B`, ….
///
/// ```
/// # extern crate os_core as os;
/// use os::model::Turn;
/// let turns = [Turn::A, Turn::B, Turn::B, Turn::A]; // B steps twice in a row
/// assert_eq!(turns[1], turns[2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
#[rustfmt::skip]
pub enum Turn {
    A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z,
}

/// What came of a schedule written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay<T> {
    /// What the body returned, or why it did not.
    pub value: Result<T, Failure>,
    /// The steps in the order in which they were taken.
    pub steps: Vec<Step>,
    /// What did not fit: a turn for a thread that had no step left, or too few turns.
    pub complaint: Option<String>,
}

/// Runs `body`, which starts threads and waits for them, and lets these step as `turns` says.
///
/// One turn is one access to shared state. Starting and ending take no turn, nor does what `body` itself does.
pub fn replay<T: Send + 'static>(
    turns: &[Turn],
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Replay<T> {
    let complaint: Arc<Mutex<Option<String>>> = Arc::default();
    let mut once: Option<Box<dyn Strategy>> = Some(Box::new(TurnTaker {
        turns: turns.to_vec(),
        next: 0,
        complaint: complaint.clone(),
    }));
    let result = Arc::new(Mutex::new(None));
    let run = {
        let result = result.clone();
        move || {
            let value = run_main(&body);
            let ended = run::end();
            let value = match (value, &ended.failure) {
                (Some(value), None) => Ok(value),
                (_, Some(failure)) => Err(failure.clone()),
                (None, None) => unreachable!("a run without a value has failed"),
            };
            *lock(&result) = Some((value, ended.steps()));
        }
    };
    run_under(move || once.take(), run);
    let (value, steps) = lock(&result).take().expect("it was run");
    Replay {
        value,
        steps,
        complaint: lock(&complaint).take(),
    }
}

struct TurnTaker {
    turns: Vec<Turn>,
    next: usize,
    complaint: Arc<Mutex<Option<String>>>,
}

impl TurnTaker {
    fn complain(&self, what: String) {
        lock(&self.complaint).get_or_insert(what);
    }
}

impl Strategy for TurnTaker {
    fn next(&mut self, view: &View<'_>) -> usize {
        if view.able[0] == 0 {
            return 0; // main starts the threads and waits for them
        }
        if let Some(new) = view.new.first() {
            return *new; // up to its first access
        }
        while let Some(turn) = self.turns.get(self.next).copied() {
            self.next += 1;
            let task = 1 + turn as usize;
            if view.able.contains(&task) {
                return task;
            }
            self.complain(format!(
                "turn {} is for {turn:?}, but {turn:?} has no step left",
                self.next
            ));
        }
        self.complain(format!(
            "after {} turns {} still has steps to take",
            self.turns.len(),
            label(view.able[0])
        ));
        view.able[0]
    }
}

impl Drop for TurnTaker {
    fn drop(&mut self) {
        if self.next < self.turns.len() {
            self.complain(format!(
                "{} turns were given, but all threads had ended after {}",
                self.turns.len(),
                self.next
            ));
        }
    }
}
