//! One run: its threads, what they wait for, and what they have done so far.

mod choose;
mod clock;
mod objects;

pub(super) use choose::MAX_STEPS;
pub use clock::{Time, now, set_spurious_wakeups, set_time};
pub(crate) use clock::{is_spurious, sleep, take_timeout, wait_until};
pub(crate) use objects::{Tag, access, hold, record, release};

use super::memory::Memory;
use super::outcome::Failure;
use super::schedulers::Strategy;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use wire::schedule::{Op, Step};

/// More steps than a reader could follow are not shown.
pub(super) const SHOWN_STEPS: usize = 1000;

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The lock with this number.
    Lock(usize),
    /// A notification of the condition variable with this number.
    Condvar(usize),
    /// The end of this thread.
    Join(usize),
    /// The end of the threads of its scope.
    Scope,
    /// `unpark`.
    Park,
    /// Somebody who wakes those that sleep on this word.
    Futex(usize),
    /// A moment of the run's clock.
    Sleep,
    /// The end of all other threads, after `main` has returned.
    Rest,
}

#[derive(Default)]
struct Task {
    waiting: Option<Waiting>,
    /// When the wait ends by itself, if it does.
    deadline: Option<Duration>,
    finished: bool,
    /// Whether somebody has made sure that it ended: by a join, or by looking.
    joined: bool,
    /// Whether it has begun: a thread takes no turn for getting to its first access.
    begun: bool,
    /// Steps taken of its quantum.
    used: usize,
    timed_out: bool,
    /// How many of its timed waits have ended.
    early: usize,
    /// Whether it was unwinding when another thread took over.
    unwinding: bool,
    parked_token: bool,
    last: Option<(usize, String)>,
    name: Option<String>,
}

struct Object {
    name: String,
    holders: Vec<usize>,
}

/// One step, before its names are spelled out.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub task: usize,
    pub object: Option<usize>,
    pub op: Op,
}

/// Why a run ends before its threads have.
#[derive(Clone, Debug)]
enum Stop {
    Failed(Failure),
    /// `main` has returned, which ends a program.
    Returned,
}

pub(super) struct Run {
    serial: u64,
    tasks: Vec<Task>,
    objects: Vec<Object>,
    kinds: BTreeMap<&'static str, usize>,
    records: Vec<Record>,
    strategy: Box<dyn Strategy>,
    pub(super) current: usize,
    yielding: bool,
    /// Whether the running thread's last access was only a read.
    read: bool,
    decisions: usize,
    stop: Option<Stop>,
    panic: Option<String>,
    leaves_threads: bool,
    pub(super) memory: Memory,
    time: Time,
    now: Duration,
    /// How many waits are still to end without a notification.
    spurious: usize,
}

thread_local! {
    // All threads of a run share one OS thread, so this is theirs in common.
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller runs inside [`explore`](super::explore) or [`replay`](super::replay()).
#[must_use]
#[inline]
pub fn running() -> bool {
    RUNNING.get()
}

/// Unwinds a thread of a run that has been stopped.
pub(super) struct Stopped;

pub(super) fn begin(strategy: Box<dyn Strategy>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let run = Run {
        serial: NEXT.fetch_add(1, Relaxed),
        tasks: vec![Task {
            begun: true,
            ..Task::default()
        }],
        objects: Vec::new(),
        kinds: BTreeMap::new(),
        records: Vec::new(),
        memory: Memory::new(strategy.staleness()),
        strategy,
        current: 0,
        yielding: false,
        read: false,
        decisions: 0,
        stop: None,
        panic: None,
        leaves_threads: false,
        time: Time::Ignored,
        now: Duration::ZERO,
        spurious: 0,
    };
    RUN.set(Some(run));
    RUNNING.set(true);
}

/// What is left of a run: its steps, and why it failed.
pub(super) struct Ended {
    pub records: Vec<Record>,
    objects: Vec<Object>,
    pub failure: Option<Failure>,
    /// Whether `main` returned without anybody having made sure that all threads had ended.
    pub leaves_threads: bool,
}

/// Ends the run and returns what happened in it.
pub(super) fn end() -> Ended {
    RUNNING.set(false);
    let run = RUN.take().expect("a run has begun");
    Ended {
        records: run.records,
        objects: run.objects,
        leaves_threads: run.leaves_threads,
        failure: match run.stop {
            Some(Stop::Failed(failure)) => Some(failure),
            _ => None,
        },
    }
}

impl Ended {
    /// The steps with their names.
    pub fn steps(&self) -> Vec<Step> {
        let name = |object: usize| self.objects[object].name.clone();
        self.records
            .iter()
            .take(SHOWN_STEPS)
            .map(|record| Step {
                thread: label(record.task),
                op: record.op.clone(),
                object: record.object.map(name).unwrap_or_default(),
            })
            .collect()
    }
}

/// Runs `f` on the present run. Must not switch threads.
pub(super) fn with<R>(f: impl FnOnce(&mut Run) -> R) -> R {
    RUN.with_borrow_mut(|run| f(run.as_mut().expect("a run has begun")))
}

/// Lets the scheduler decide who goes on, and returns when it is this thread's turn again.
pub(super) fn switch() {
    let unwinding = panicking();
    with(|run| {
        let me = run.current;
        run.tasks[me].unwinding = unwinding;
    });
    // Shuttle has no clock: its sleep is nothing but a point to switch at.
    shuttle::thread::sleep(Duration::ZERO);
}

/// Whether the running thread unwinds. All threads of a run share one OS thread, whose own answer may be about another one:
/// one that waits for something while it unwinds.
#[must_use]
pub fn panicking() -> bool {
    std::thread::panicking()
        && (!running()
            || with(|run| {
                let others = (0..run.tasks.len()).filter(|task| *task != run.current);
                run.tasks[run.current].unwinding
                    || !others.into_iter().any(|task| run.tasks[task].unwinding)
            }))
}

/// Whether the running thread unwinds because of a panic of its own, and not because the run has ended.
pub(crate) fn unwinds_by_a_panic() -> bool {
    panicking() && !(running() && with(|run| run.stop.is_some()))
}

/// The running thread is about to unwind. Without this it would not be told apart from another one that waits while it
/// unwinds.
pub(crate) fn begin_unwinding() {
    if running() {
        RUN.with(|run| {
            if let Ok(mut run) = run.try_borrow_mut()
                && let Some(run) = &mut *run
            {
                let me = run.current;
                run.tasks[me].unwinding = true;
            }
        });
    }
}

/// Unwinds this thread if the run has been stopped, unless it unwinds already.
pub(super) fn leave_if_stopped() {
    if !panicking() && with(|run| run.stop.is_some()) {
        begin_unwinding();
        resume_unwind(Box::new(Stopped));
    }
}

/// A scheduling point: another thread may go first.
pub(crate) fn point() {
    if running() && !panicking() {
        switch();
        leave_if_stopped();
    }
}

/// A scheduling point at which this thread asks for others to go first.
pub(crate) fn yield_point() {
    with(|run| run.yielding = true);
    point();
}

/// Lets others run until somebody [`wake`]s this thread.
pub(crate) fn wait(waiting: Waiting) {
    wait_unstoppably(waiting);
    leave_if_stopped();
}

/// Waits as [`wait`] does, but never unwinds.
pub(super) fn wait_unstoppably(waiting: Waiting) {
    begin_wait(waiting, None);
    switch();
}

fn begin_wait(waiting: Waiting, deadline: Option<Duration>) {
    with(|run| {
        let me = run.current;
        let task = &mut run.tasks[me];
        task.waiting = Some(waiting);
        task.deadline = deadline;
        task.timed_out = false;
    });
}

/// Lets the threads that wait for this go on.
pub(crate) fn wake(waiting: Waiting) {
    with(|run| {
        for task in &mut run.tasks {
            if task.waiting == Some(waiting) {
                task.waiting = None;
            }
        }
    });
}

/// Lets all threads that sleep on a word go on.
pub(crate) fn wake_sleepers() {
    with(|run| {
        for task in &mut run.tasks {
            if matches!(task.waiting, Some(Waiting::Futex(_))) {
                task.waiting = None;
            }
        }
    });
}

/// Orders everything before and after this, as a system call does.
pub(crate) fn barrier() {
    with(Run::full_barrier);
}

/// One of the threads that wait for a notification stops waiting: which one is the strategy's choice, as it is the
/// kernel's.
pub(crate) fn wake_one(object: usize) {
    with(|run| {
        let waits = |task: &usize| run.tasks[*task].waiting == Some(Waiting::Condvar(object));
        let waiters: Vec<usize> = (0..run.tasks.len()).filter(waits).collect();
        if !waiters.is_empty() {
            let woken = run.strategy.wake(&waiters);
            run.tasks[woken].waiting = None;
        }
    });
}

/// Waits until this thread was unparked, or, where there is a limit, for so long.
pub(crate) fn park(limit: Option<Duration>) {
    point();
    let token = || {
        with(|run| {
            let me = run.current;
            std::mem::take(&mut run.tasks[me].parked_token)
        })
    };
    if !token() && !is_spurious() {
        match limit {
            None => wait(Waiting::Park),
            Some(limit) => wait_until(Waiting::Park, limit),
        }
        token();
    }
}

/// Unparks a thread of the run with this serial number.
pub(crate) fn unpark(serial: u64, task: usize) {
    if serial == self::serial() {
        with(|run| {
            let task = &mut run.tasks[task];
            task.parked_token = true;
            if task.waiting == Some(Waiting::Park) {
                task.waiting = None;
            }
        });
        point();
    }
}

/// The number of the present run; 0 outside one.
pub(crate) fn serial() -> u64 {
    if running() { with(|run| run.serial) } else { 0 }
}

/// Adds a thread to the run; it has not begun.
pub(super) fn add_task(name: Option<String>) -> usize {
    with(|run| {
        run.tasks.push(Task {
            name,
            ..Task::default()
        });
        let task = run.tasks.len() - 1;
        run.hand_over(run.current, task);
        task
    })
}

pub(super) fn is_finished(task: usize) -> bool {
    with(|run| run.tasks[task].finished)
}

/// Somebody has made sure that the thread has ended.
pub(super) fn joined(task: usize) {
    with(|run| {
        run.tasks[task].joined = true;
        run.hand_over(task, run.current);
    });
}

/// The running thread has come to its end.
pub(super) fn finish() {
    with(|run| {
        let me = run.current;
        run.tasks[me].finished = true;
        run.tasks[me].unwinding = false;
        let rest_finished = run.tasks[1..].iter().all(|task| task.finished);
        for task in &mut run.tasks {
            match task.waiting {
                Some(Waiting::Join(other)) if other == me => task.waiting = None,
                Some(Waiting::Scope) => task.waiting = None,
                Some(Waiting::Rest) if rest_finished => task.waiting = None,
                _ => {}
            }
        }
    });
}

/// Remembers how a thread panicked, if it is the first.
pub(super) fn panicked(description: String) {
    with(|run| {
        if run.stop.is_none() {
            run.panic.get_or_insert(description);
        }
    });
}

/// `main` has returned, or has panicked: the run is over, threads that are left end at their next step.
pub(super) fn main_returned(panicked: bool) {
    with(|run| {
        run.leaves_threads = run.tasks[1..].iter().any(|task| !task.joined);
        if run.stop.is_none() {
            let description = run.panic.take().filter(|_| panicked);
            run.stop = Some(match description {
                Some(description) => Stop::Failed(Failure::Panicked(description)),
                None => Stop::Returned,
            });
        }
    });
    while with(|run| run.tasks[1..].iter().any(|task| !task.finished)) {
        wait_unstoppably(Waiting::Rest);
    }
}

/// `main`, or `A`, `B`, …, `Z`, `AA`, … in the order in which threads were started.
pub(super) fn label(task: usize) -> String {
    let (mut rest, mut letters) = (task, Vec::new());
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + u8::try_from(rest % 26).unwrap_or(0));
        rest /= 26;
    }
    letters.reverse();
    match letters.is_empty() {
        true => "main".into(),
        false => String::from_utf8_lossy(&letters).into_owned(),
    }
}

/// The running thread: its run, its number and its name.
pub(crate) fn current() -> ((u64, usize), Option<String>) {
    with(|run| {
        (
            (run.serial, run.current),
            run.tasks[run.current].name.clone(),
        )
    })
}
