//! Who goes next: the strategies, and the bridge to shuttle.

use super::run;
use shuttle::scheduler::{Schedule as ShuttleSchedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::sync::Once;

/// Bytes; the default of 32 KiB is too small for a debug build that formats a panic.
const STACK: usize = 256 * 1024;

/// What a strategy knows when it decides.
pub(super) struct View<'a> {
    /// The threads that can go on, in the order in which they were started; never empty.
    pub able: &'a [usize],
    /// Those of them that have not begun.
    pub new: &'a [usize],
    /// The thread that took the last step.
    pub current: usize,
    /// Whether that step only read.
    pub read: bool,
}

impl View<'_> {
    fn after(&self, task: usize) -> usize {
        let next = self.able.iter().find(|able| **able > task);
        *next.unwrap_or(&self.able[0])
    }

    fn before(&self, task: usize) -> usize {
        let next = self.able.iter().rev().find(|able| **able < task);
        *next.unwrap_or(&self.able[self.able.len() - 1])
    }

    fn can_stay(&self) -> bool {
        self.able.contains(&self.current)
    }
}

pub(super) trait Strategy {
    /// Chooses one of the threads that can go on.
    fn next(&mut self, view: &View<'_>) -> usize;
}

/// The schedules that most often show a race, tried first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hostile {
    /// Another thread after every step.
    RoundRobin,
    /// Another thread after every read: whatever was computed from it is stale.
    AfterReads,
    /// The thread that was started first, `main` above all, whenever it can: reads before a join see too little.
    FirstFirst,
    /// The thread that was started last, whenever it can.
    LastFirst,
    /// Another thread after every step, in the opposite order.
    RoundRobinBackwards,
    /// One thread after the other, without any interruption.
    Sequential,
}

impl Hostile {
    pub const ALL: [Self; 6] = [
        Self::RoundRobin,
        Self::AfterReads,
        Self::FirstFirst,
        Self::LastFirst,
        Self::RoundRobinBackwards,
        Self::Sequential,
    ];
}

impl Strategy for Hostile {
    fn next(&mut self, view: &View<'_>) -> usize {
        match self {
            Self::RoundRobin => view.after(view.current),
            Self::RoundRobinBackwards => view.before(view.current),
            Self::AfterReads if view.can_stay() && !view.read => view.current,
            Self::AfterReads => view.after(view.current),
            Self::FirstFirst => view.able[0],
            Self::LastFirst => view.able[view.able.len() - 1],
            Self::Sequential if view.can_stay() => view.current,
            Self::Sequential => view.able[0],
        }
    }
}

/// Goes on with the same thread with a probability that differs from run to run, else picks any.
pub(super) struct Random {
    random: fastrand::Rng,
    stay: f64,
}

impl Random {
    pub fn new(mut random: fastrand::Rng) -> Self {
        let stay = random.choice([0.0, 0.5, 0.9]).unwrap_or(0.0);
        Self { random, stay }
    }
}

impl Strategy for Random {
    fn next(&mut self, view: &View<'_>) -> usize {
        if view.can_stay() && self.random.f64() < self.stay {
            return view.current;
        }
        view.able[self.random.usize(..view.able.len())]
    }
}

/// Runs `run` once for each strategy that `next` returns.
pub(super) fn run_under(
    next: impl FnMut() -> Option<Box<dyn Strategy>> + 'static,
    run: impl Fn() + Send + Sync + 'static,
) {
    keep_the_panic_hook();
    Runner::new(Bridge { next }, config()).run(run);
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None; // counted by the run
    config.silence_warnings = true;
    config
}

/// Shuttle installs a panic hook at its first run, which prints lines of its own; the hook of now is put back.
fn keep_the_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        let mut once = Some(Box::new(Hostile::Sequential) as Box<dyn Strategy>);
        Runner::new(
            Bridge {
                next: move || once.take(),
            },
            config(),
        )
        .run(|| {});
        if run::running() {
            run::end();
        }
        std::panic::set_hook(hook);
    });
    crate::panics::remember();
}

struct Bridge<N> {
    next: N,
}

impl<N: FnMut() -> Option<Box<dyn Strategy>>> Scheduler for Bridge<N> {
    fn new_execution(&mut self) -> Option<ShuttleSchedule> {
        run::begin((self.next)()?);
        Some(ShuttleSchedule::new(0))
    }

    fn next_task(&mut self, _: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        Some(TaskId::from(run::with(run::Run::choose)))
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
