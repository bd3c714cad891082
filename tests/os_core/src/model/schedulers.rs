//! Who goes next: the strategies, and the bridge to shuttle.

use super::memory::Staleness;
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
    /// Whether a thread that yields lets another one go first. The kernel promises nothing of the kind.
    fn heeds_yields(&self) -> bool {
        true
    }

    /// How stale the values are that loads of mapped words return.
    fn staleness(&self) -> Staleness {
        Staleness::None
    }

    /// Chooses one of the threads that can go on.
    fn next(&mut self, view: &View<'_>) -> usize;

    /// Chooses the one that a notification wakes, of the threads that wait for it, in the order in which they were started.
    fn wake(&mut self, waiters: &[usize]) -> usize {
        waiters[0]
    }
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
    /// `main` whenever it can, also when it yields: waiting for a while is no waiting for somebody.
    MainHurries,
    /// The first thread stops after so many steps, and goes on when nobody else can: it may hold a lock meanwhile.
    Frozen(usize),
    /// The first thread takes one step, from then on the others take two and it takes two: what it compares has changed.
    Overtaken,
}

impl Hostile {
    pub const ALL: [Self; 12] = [
        Self::RoundRobin,
        Self::AfterReads,
        Self::FirstFirst,
        Self::LastFirst,
        Self::RoundRobinBackwards,
        Self::Sequential,
        Self::MainHurries,
        Self::Frozen(1),
        Self::Frozen(2),
        Self::Frozen(3),
        Self::Frozen(4),
        Self::Overtaken,
    ];

    pub fn strategy(self) -> Box<dyn Strategy> {
        Box::new(Hostility {
            hostile: self,
            steps: 0,
        })
    }
}

struct Hostility {
    hostile: Hostile,
    /// How many steps were chosen that matter to the strategy.
    steps: usize,
}

/// The thread that was started first, after `main`.
const FIRST: usize = 1;

impl Hostility {
    /// Anybody but the first thread and `main`, the one of before if possible.
    fn others(view: &View<'_>) -> Option<usize> {
        if view.can_stay() && view.current > FIRST {
            return Some(view.current);
        }
        view.able.iter().copied().find(|task| *task > FIRST)
    }
}

impl Strategy for Hostility {
    fn heeds_yields(&self) -> bool {
        !matches!(
            self.hostile,
            Hostile::MainHurries | Hostile::Frozen(_) | Hostile::Overtaken
        )
    }

    fn staleness(&self) -> Staleness {
        // Each extreme for some: a stale value hides what comes of a fresh one.
        match self.hostile {
            Hostile::AfterReads | Hostile::LastFirst | Hostile::Sequential => Staleness::None,
            Hostile::Frozen(after) if after % 2 == 0 => Staleness::None,
            _ => Staleness::Oldest,
        }
    }

    fn next(&mut self, view: &View<'_>) -> usize {
        match self.hostile {
            Hostile::RoundRobin => view.after(view.current),
            Hostile::RoundRobinBackwards => view.before(view.current),
            Hostile::AfterReads if view.can_stay() && !view.read => view.current,
            Hostile::AfterReads => view.after(view.current),
            Hostile::FirstFirst | Hostile::MainHurries => view.able[0],
            Hostile::LastFirst => view.able[view.able.len() - 1],
            Hostile::Sequential if view.can_stay() => view.current,
            Hostile::Sequential => view.able[0],
            // `main` starts the threads, which get to their first access, before any strategy makes sense.
            _ if view.able[0] == 0 => 0,
            _ if !view.new.is_empty() => view.new[0],
            Hostile::Frozen(after) => {
                if view.able[0] == FIRST && self.steps < after {
                    self.steps += 1;
                    return FIRST;
                }
                Self::others(view).unwrap_or(view.able[0])
            }
            Hostile::Overtaken => {
                // 0: the first; then, by twos, others and first.
                let first = self.steps == 0 || (self.steps - 1) % 4 >= 2;
                self.steps += 1;
                if first && view.able[0] == FIRST {
                    return FIRST;
                }
                Self::others(view).unwrap_or(view.able[0])
            }
        }
    }

    fn wake(&mut self, waiters: &[usize]) -> usize {
        match self.hostile {
            Hostile::LastFirst | Hostile::RoundRobinBackwards => waiters[waiters.len() - 1],
            _ => waiters[0],
        }
    }
}

/// Goes on with the same thread with a probability that differs from run to run, else picks any.
pub(super) struct Random {
    random: fastrand::Rng,
    stay: f64,
    stale: f64,
}

impl Random {
    pub fn new(mut random: fastrand::Rng) -> Self {
        let stay = random.choice([0.0, 0.5, 0.9]).unwrap_or(0.0);
        let stale = random.choice([0.0, 0.3, 0.9]).unwrap_or(0.0);
        Self {
            random,
            stay,
            stale,
        }
    }
}

impl Strategy for Random {
    fn staleness(&self) -> Staleness {
        Staleness::Random(self.stale, self.random.clone())
    }

    fn next(&mut self, view: &View<'_>) -> usize {
        if view.can_stay() && self.random.f64() < self.stay {
            return view.current;
        }
        view.able[self.random.usize(..view.able.len())]
    }

    fn wake(&mut self, waiters: &[usize]) -> usize {
        waiters[self.random.usize(..waiters.len())]
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
        let mut once = Some(Hostile::Sequential.strategy());
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
