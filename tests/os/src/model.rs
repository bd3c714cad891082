//! Model runs: a scheduler of ours decides at every access to shared state which thread goes next.
//!
//! A program that is right for every decision is right; one that is wrong for a few gets caught, and the
//! schedule that shows it can be read, saved and replayed. [shuttle](https://docs.rs/shuttle) runs the
//! threads, all on one OS thread; [`crate::sync`] and [`crate::thread`] report their steps here.

use serde::{Deserialize, Serialize};
use shuttle::scheduler::{Schedule as ShuttleSchedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A program that takes more steps than this under one schedule waits for something in a busy loop.
const MAX_STEPS: usize = 50_000;
/// Bytes; the default of 32 KiB is too small for a debug build that formats a panic.
const STACK: usize = 256 * 1024;

/// One step that a thread took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `main`, or `A`, `B`, … in the order in which the threads were started.
    pub thread: String,
    /// What it did: `reads 0`, `writes 1`, `starts A`, ….
    pub op: String,
    /// To what: `counter`, `lock`, `counter 2`, …; empty for starts and ends.
    pub object: String,
}

/// What a body returned, and a schedule under which it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome<T> {
    /// What the body returned, or the message of the panic or deadlock that ended it.
    pub value: Result<T, String>,
    /// Under how many of the explored schedules.
    pub times: usize,
    /// The steps, of the schedule with the fewest switches between threads.
    pub steps: Vec<Step>,
}

/// All that came out of running one body under many schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explored<T> {
    /// How many schedules were run.
    pub schedules: usize,
    /// The different outcomes.
    pub outcomes: Vec<Outcome<T>>,
    /// The threads that used something shared, under any of the schedules.
    pub sharers: BTreeSet<String>,
    /// How many threads, besides `main`, were alive at the same time under some schedule.
    pub at_once: usize,
}

/// Runs `body` under up to `schedules` schedules, chosen by `seed`, and collects what came out.
///
/// Exploration ends early at a panic or deadlock. `body` must build all that its threads share, so that
/// every run begins anew.
///
/// ```
/// use os::sync::{Arc, AtomicU64, Ordering::SeqCst};
/// let explored = os::model::explore(1, 200, || {
///     let counter = Arc::new(AtomicU64::new(0));
///     let theirs = counter.clone();
///     let thread = os::thread::spawn(move || theirs.store(theirs.load(SeqCst) + 1, SeqCst));
///     counter.store(counter.load(SeqCst) + 1, SeqCst);
///     thread.join().unwrap();
///     counter.load(SeqCst)
/// });
/// let mut totals: Vec<u64> = explored.outcomes.into_iter().map(|o| o.value.unwrap()).collect();
/// totals.sort();
/// assert_eq!(totals, [1, 2]); // under some schedules one addition is lost
/// ```
pub fn explore<T: Serialize + Send + 'static>(
    seed: u64,
    schedules: usize,
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Explored<T> {
    let scheduler = Explorer {
        random: fastrand::Rng::with_seed(seed),
        left: schedules,
        stay: 0.0,
    };
    let found: Arc<Mutex<Found<T>>> = Arc::new(Mutex::new(Found {
        outcomes: BTreeMap::new(),
        sharers: BTreeSet::new(),
        at_once: 0,
    }));
    let run = {
        let found = found.clone();
        move || {
            begin();
            let value = body();
            let key = serde_json::to_string(&value).unwrap_or_default();
            lock(&found).keep(key, Ok(value), end());
        }
    };
    let caught = run_under(scheduler, run);
    let mut found = lock(&found);
    if let Err(why) = caught {
        found.keep(format!("panic: {why}"), Err(why), end());
    }
    let outcomes = std::mem::take(&mut found.outcomes);
    Explored {
        schedules: outcomes.values().map(|outcome| outcome.times).sum(),
        outcomes: outcomes.into_values().collect(),
        sharers: std::mem::take(&mut found.sharers),
        at_once: found.at_once,
    }
}

struct Found<T> {
    outcomes: BTreeMap<String, Outcome<T>>,
    sharers: BTreeSet<String>,
    at_once: usize,
}

impl<T> Found<T> {
    fn keep(&mut self, key: String, value: Result<T, String>, steps: Vec<Step>) {
        let mut alive: usize = 0;
        for step in &steps {
            if step.op.starts_with("starts ") {
                alive += 1;
                self.at_once = self.at_once.max(alive);
            } else if step.op == "ends" {
                alive = alive.saturating_sub(1);
            } else if !step.object.is_empty() {
                self.sharers.insert(step.thread.clone());
            }
        }
        let outcome = self.outcomes.entry(key).or_insert_with(|| Outcome {
            value,
            times: 0,
            steps: steps.clone(),
        });
        outcome.times += 1;
        if switches(&steps) < switches(&outcome.steps) {
            outcome.steps = steps;
        }
    }
}

fn switches(steps: &[Step]) -> usize {
    steps
        .windows(2)
        .filter(|pair| pair[0].thread != pair[1].thread)
        .count()
}

/// Whose turn it is, when the schedule is written by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// The thread that was started first.
    A,
    /// The thread that was started second.
    B,
}

/// What became of a schedule written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay<T> {
    /// What the body returned, or the message of the panic that ended it.
    pub value: Result<T, String>,
    /// The steps in the order in which they were taken.
    pub steps: Vec<Step>,
    /// What did not fit: a turn for a thread that had no step left, or too few turns.
    pub complaint: Option<String>,
}

/// Runs `body`, which starts threads A and B and waits for both, letting them step as `turns` says.
///
/// One turn is one access to shared state. Starting and ending take no turn.
pub fn replay<T: Send + 'static>(
    turns: &[Turn],
    body: impl Fn() -> T + Send + Sync + 'static,
) -> Replay<T> {
    let complaint: Arc<Mutex<Option<String>>> = Arc::default();
    let scheduler = TurnTaker {
        turns: turns.to_vec(),
        next: 0,
        started: [false; 2],
        complaint: complaint.clone(),
        runs: 0,
    };
    let result: Arc<Mutex<Option<T>>> = Arc::default();
    let run = {
        let result = result.clone();
        move || {
            begin();
            let value = body();
            *lock(&result) = Some(value);
        }
    };
    let caught = run_under(scheduler, run);
    let value = lock(&result).take();
    Replay {
        value: caught.and_then(|()| value.ok_or_else(|| "the run did not finish".into())),
        steps: end(),
        complaint: lock(&complaint).take(),
    }
}

struct TurnTaker {
    turns: Vec<Turn>,
    next: usize,
    started: [bool; 2],
    complaint: Arc<Mutex<Option<String>>>,
    runs: usize,
}

impl TurnTaker {
    fn complain(&self, what: String) {
        lock(&self.complaint).get_or_insert(what);
    }
}

impl Scheduler for TurnTaker {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        self.runs += 1;
        (self.runs == 1).then(|| ShuttleSchedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        let ids: Vec<usize> = runnable.iter().map(|task| task.id().into()).collect();
        let go = |id: usize| Some(TaskId::from(id));
        if ids.contains(&0) {
            return go(0); // main only starts the threads and waits for them
        }
        for (index, started) in self.started.iter_mut().enumerate() {
            if !*started && ids.contains(&(index + 1)) {
                *started = true; // up to its first access: takes no turn
                return go(index + 1);
            }
        }
        while let Some(turn) = self.turns.get(self.next).copied() {
            self.next += 1;
            let id = 1 + turn as usize;
            if ids.contains(&id) {
                return go(id);
            }
            self.complain(format!(
                "turn {} is for {turn:?}, but {turn:?} has no step left",
                self.next
            ));
        }
        self.complain(format!(
            "after {} turns {} still has steps to take",
            self.turns.len(),
            label(ids[0])
        ));
        go(ids[0])
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

impl Drop for TurnTaker {
    fn drop(&mut self) {
        if self.next < self.turns.len() {
            self.complain(format!(
                "{} turns were given, but both threads had ended after {}",
                self.turns.len(),
                self.next
            ));
        }
    }
}

/// Goes on with the same thread with a probability that differs from run to run, else picks any.
struct Explorer {
    random: fastrand::Rng,
    left: usize,
    stay: f64,
}

impl Scheduler for Explorer {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        self.left = self.left.checked_sub(1)?;
        self.stay = self.random.choice([0.0, 0.5, 0.9]).unwrap_or(0.0);
        Some(ShuttleSchedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        yielding: bool,
    ) -> Option<TaskId> {
        let ids: Vec<TaskId> = runnable.iter().map(|task| task.id()).collect();
        if let Some(current) = current
            && ids.contains(&current)
        {
            if yielding && ids.len() > 1 {
                let others: Vec<TaskId> = ids.into_iter().filter(|id| *id != current).collect();
                return self.random.choice(others);
            }
            if self.random.f64() < self.stay {
                return Some(current);
            }
        }
        self.random.choice(ids)
    }

    fn next_u64(&mut self) -> u64 {
        self.random.u64(..)
    }
}

fn run_under(
    scheduler: impl Scheduler + 'static,
    run: impl Fn() + Send + Sync + 'static,
) -> Result<(), String> {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        Runner::new(scheduler, config).run(run);
    }));
    let outcome = caught.map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without a message");
        if text.contains("it already holds") {
            "deadlock: a thread takes a lock that it holds already".into()
        } else if text.starts_with("deadlock") {
            "deadlock: every thread waits for another one".into()
        } else if text.contains("max_steps") {
            format!("no end after {MAX_STEPS} steps: a thread waits in a busy loop")
        } else {
            text.to_owned()
        }
    });
    STATE.with_borrow_mut(|state| state.running = false);
    outcome
}

#[derive(Default)]
struct State {
    running: bool,
    started: usize,
    objects: BTreeMap<&'static str, usize>,
    steps: Vec<Step>,
}

thread_local! {
    // shuttle runs all threads of a model on one OS thread, so this is theirs in common.
    static STATE: RefCell<State> = RefCell::default();
}

/// Whether the caller runs inside [`explore`] or [`replay`].
#[must_use]
pub fn running() -> bool {
    STATE.with_borrow(|state| state.running)
}

fn begin() {
    STATE.with_borrow_mut(|state| {
        *state = State {
            running: true,
            ..State::default()
        }
    });
}

fn end() -> Vec<Step> {
    STATE.with_borrow_mut(|state| {
        state.running = false;
        std::mem::take(&mut state.steps)
    })
}

/// The name of something shared, in a schedule.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn log(&self, op: String) {
        log(op, self.0.clone());
    }
}

pub(crate) fn object(kind: &'static str) -> Option<Object> {
    STATE.with_borrow_mut(|state| {
        state.running.then(|| {
            let count = state.objects.entry(kind).or_default();
            *count += 1;
            Object(if *count == 1 {
                kind.into()
            } else {
                format!("{kind} {count}")
            })
        })
    })
}

fn log(op: String, object: String) {
    if running() {
        let thread = label(shuttle::current::me().into());
        STATE.with_borrow_mut(|state| state.steps.push(Step { thread, op, object }));
    }
}

/// The scheduler may let another thread go first here.
pub(crate) fn step() {
    if running() {
        // Shuttle has no clock: its sleep is nothing but a point to switch at.
        shuttle::thread::sleep(Duration::ZERO);
    }
}

pub(crate) fn logged_spawn<H>(spawn: impl FnOnce() -> H) -> H {
    let started = STATE.with_borrow_mut(|state| {
        state.started += 1;
        state.started
    });
    log(format!("starts {}", label(started)), String::new());
    spawn()
}

pub(crate) fn task<T>(f: impl FnOnce() -> T) -> impl FnOnce() -> T {
    move || {
        let value = f();
        log("ends".into(), String::new());
        value
    }
}

fn label(task: usize) -> String {
    match task {
        0 => "main".into(),
        1..=26 => char::from(b'A' + u8::try_from(task - 1).unwrap_or(0)).to_string(),
        _ => format!("thread {task}"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
