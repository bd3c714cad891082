//! Step 4's stage: tasks that crash, workers that are killed, and what became of it.

use crate::support::middle;
use crate::{Answer, Learner, Outcome};
use checks::faults::{self, Fault};
use checks::ledger::{self, Ledger};
use checks::leftovers::{Counts, Leftovers, watch};
use checks::{SelfReported, observed, outside, random};
use os_core::memory::{Mapping, Ordering::SeqCst};
use os_core::process::{Crash, PidFd};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// What a task does instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Poison {
    Panic,
    Exit(i32),
    Abort,
    Segfault,
    StackOverflow,
    Kill,
}

impl Poison {
    pub const ALL: [Self; 6] = [
        Self::Kill,
        Self::Panic,
        Self::Exit(7),
        Self::Abort,
        Self::Segfault,
        Self::StackOverflow,
    ];

    pub fn take(self, task: u64) -> ! {
        match self {
            Self::Panic => std::panic::resume_unwind(Box::new(message(task))),
            Self::Exit(code) => Crash::Exit(code).now(),
            Self::Abort => Crash::Abort.now(),
            Self::Segfault => Crash::Segfault.now(),
            Self::StackOverflow => Crash::StackOverflow.now(),
            Self::Kill => Crash::Kill.now(),
        }
    }

    pub fn outcome(self) -> Outcome {
        let signal = match self {
            Self::Panic => return Outcome::Exited(101),
            Self::Exit(code) => return Outcome::Exited(code),
            Self::Abort | Self::StackOverflow => 6,
            Self::Segfault => 11,
            Self::Kill => 9,
        };
        Outcome::Killed {
            signal,
            core_dumped: false,
        }
    }
}

/// What a poisoned task panics with: more than a line, and more than ASCII.
pub fn message(task: u64) -> String {
    format!(
        "task {task} is poisoned\n  größer als gedacht: ∞{}\n",
        "!".repeat((task % 300) as usize)
    )
}

/// One call of `run_tasks`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Case {
    pub tasks: Vec<u64>,
    pub workers: usize,
    pub attempts: usize,
    /// Which task crashes how, and the first so many times.
    pub poisoned: Vec<(usize, Poison, u64)>,
    pub faults: Vec<Fault>,
    /// Whether the first `workers` tasks wait for each other.
    pub meet: bool,
    /// These tasks wait until all others have begun; one that crashes counts once it has begun for the last time.
    pub held: Vec<usize>,
    /// So many milliseconds, a task that isn't held takes before it counts as begun.
    pub pause: u64,
    /// Whether all tasks but the first one to begin wait until that one's worker is dead and the caller has noticed.
    pub after_the_first: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    pub answers: Result<Vec<Answer>, String>,
    /// How often each task was begun.
    pub runs: SelfReported<Vec<u64>>,
    /// The process that each task ran in last.
    pub pids: SelfReported<Vec<u64>>,
    /// The process of the caller.
    pub caller: u32,
    /// Whether a task that is held waited in vain.
    pub in_vain: SelfReported<bool>,
    pub ledger: Ledger,
    pub left: Leftovers,
}

/// What the test's work answers.
pub fn answer(task: u64) -> u64 {
    task.wrapping_mul(3).rotate_left(7) ^ 0x5bd1_e995
}

/// Where each task stands. Tasks of a case are all different.
pub fn places(tasks: &[u64]) -> HashMap<u64, usize> {
    tasks
        .iter()
        .enumerate()
        .map(|(place, task)| (*task, place))
        .collect()
}

pub fn run(learner: Learner, case: &Case) -> Seen {
    let count = case.tasks.len();
    let places = places(&case.tasks);
    let words = Mapping::shared(2 * count + 4).expect("memory can be mapped");
    let (begun, in_vain, first) = (2 * count + 1, 2 * count + 2, 2 * count + 3);
    let caller = std::process::id();
    let others = (count - case.held.len()) as u64;
    let (arrivals, arrive) = io::pipe().expect("a pipe");
    let work = |task: u64| {
        let place = places[&task];
        let run = words.word(place).fetch_add(1, SeqCst) + 1;
        words
            .word(count + place)
            .store(u64::from(std::process::id()), SeqCst);
        if case.after_the_first {
            let me = u64::from(std::process::id());
            if let Err(other) = words.word(first).compare_exchange(0, me, SeqCst, SeqCst) {
                outside::wait_until_asleep(other as u32); // or dead: it never sleeps
                outside::wait_until_asleep(caller);
            }
        }
        if case.held.contains(&place) {
            let is_over = || words.word(begun).load(SeqCst) >= others;
            if !wait_for(is_over, words.word(in_vain), caller) {
                words.word(in_vain).store(1, SeqCst);
            }
        } else {
            if case.pause > 0 {
                std::thread::sleep(Duration::from_millis(case.pause));
            }
            let is_poisoned = case.poisoned.iter().any(|(which, ..)| *which == place);
            if run == if is_poisoned { case.attempts as u64 } else { 1 } {
                words.word(begun).fetch_add(1, SeqCst);
            }
        }
        for (which, poison, times) in &case.poisoned {
            if *which == place && run <= *times {
                poison.take(task);
            }
        }
        if case.meet && place < case.workers {
            meet(&arrivals, &arrive, words.word(2 * count), case.workers);
        }
        answer(task)
    };
    faults::reset();
    faults::plan(&case.faults);
    let ((answers, ledger), left) = watch(|| {
        ledger::observe(|| (learner.run_tasks)(&case.tasks, case.workers, case.attempts, &work))
    });
    faults::reset();
    Seen {
        answers: answers.map_err(|error| error.to_string()),
        runs: observed(
            (0..count)
                .map(|place| words.word(place).load(SeqCst))
                .collect(),
        ),
        pids: observed(
            (0..count)
                .map(|place| words.word(count + place).load(SeqCst))
                .collect(),
        ),
        caller,
        in_vain: observed(words.word(in_vain).load(SeqCst) == 1),
        ledger: ledger.map(|mut ledger| {
            ledger.records.retain(is_about_processes);
            ledger
        }),
        left,
    }
}

pub fn is_about_processes(record: &ledger::Record) -> bool {
    use ledger::What::{Began, Ended, Forked, WaitBegan, Waited};
    matches!(
        record.what,
        Began | Ended | Forked(_) | WaitBegan(_) | Waited(_)
    )
}

/// Returns once so many have come here: the last one lets the others go. Then it begins anew.
pub fn meet(
    arrivals: &io::PipeReader,
    arrive: &io::PipeWriter,
    word: &os_core::memory::Word,
    all: usize,
) {
    let (mut arrivals, mut arrive) = (arrivals, arrive);
    if (word.fetch_add(1, SeqCst) + 1).is_multiple_of(all as u64) {
        arrive.write_all(&vec![0; all - 1]).expect("they listen");
    } else {
        arrivals.read_exact(&mut [0]).expect("the last one writes");
    }
}

/// Waits until `is_over`; `false` if another task has waited in vain, or if the caller and its workers only wait, too, for a second.
fn wait_for(is_over: impl Fn() -> bool, in_vain: &os_core::memory::Word, caller: u32) -> bool {
    const LOOK: Duration = Duration::from_millis(10);
    let mut busy = Instant::now();
    while !is_over() {
        if family_wants_to_run(caller) {
            busy = Instant::now();
        }
        if in_vain.load(SeqCst) == 1 || busy.elapsed() > Duration::from_secs(1) {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

/// Whether this process or one of its children wants to run, other than the one that asks.
fn family_wants_to_run(parent: u32) -> bool {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let children = children.unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    children
        .filter(|pid| *pid != std::process::id())
        .chain([parent])
        .any(outside::wants_to_run)
}

/// Whom a killer hits, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scene {
    /// The first worker, in the middle of its task.
    AtWork,
    /// All workers, in the middle of their tasks.
    AllAtWork,
    /// The first worker, which has answered and waits for more.
    Idle,
    /// The first worker, which has answered; its caller was stopped before and has not seen the answer.
    BehindTheCallersBack,
    /// All workers, likewise.
    AllBehindTheCallersBack,
    /// As `BehindTheCallersBack`, and more tasks wait than there are workers. From then on each task kills its worker once, and may
    /// be tried twice.
    BehindTheCallersBackWithMore,
}

impl Scene {
    /// Tasks that wait until another one is done, and how often each may be tried.
    const fn waiting_and_attempts(self) -> (usize, usize) {
        match self {
            Self::BehindTheCallersBackWithMore => (5, 2),
            _ => (0, 1),
        }
    }
}

/// Runs the pool in a process of its own. Its work announces each task, waits until it may go on, and says that it does.
pub fn kill_from_outside(
    learner: Learner,
    tasks: &[u64],
    scene: Scene,
) -> (Result<Vec<Answer>, String>, SelfReported<Vec<u64>>) {
    // In this process, too: a panic in a child is only a crash of somebody.
    let _ = (learner.run_tasks)(&[], 1, 1, &|task| task);
    let (places, count) = (places(tasks), tasks.len());
    let (waiting, attempts) = scene.waiting_and_attempts();
    let workers = count - waiting;
    // For each task: how often it was begun, the process, whether it is about to be answered. Then whether tasks are deadly.
    let words = Mapping::shared(3 * count + 1).expect("memory can be mapped");
    let (mut announced, announce) = io::pipe().expect("a pipe");
    let gates: Vec<_> = tasks.iter().map(|_| io::pipe().expect("a pipe")).collect();
    let caller = middle::child(|| {
        let work = |task: u64| {
            let place = places[&task];
            let is_first = words.word(place).fetch_add(1, SeqCst) == 0;
            words
                .word(count + place)
                .store(u64::from(std::process::id()), SeqCst);
            (&announce).write_all(b"!").expect("the test listens");
            (&gates[place].0)
                .read_exact(&mut [0])
                .expect("the test lets it go on");
            if is_first && words.word(3 * count).load(SeqCst) == 1 {
                Crash::Kill.now();
            }
            words.word(2 * count + place).store(1, SeqCst);
            answer(task)
        };
        (learner.run_tasks)(tasks, workers, attempts, &work)
    });
    drop(announce);
    let go_on = |place: usize| {
        (&gates[place].1)
            .write_all(b"!")
            .expect("it can be written")
    };
    let pid = |place: usize| words.word(count + place).load(SeqCst) as u32;
    let answer_and_wait = |place: usize| {
        go_on(place);
        // It has left the gate; the next thing that it can wait for is another task.
        let has_left = || words.word(2 * count + place).load(SeqCst) == 1;
        while !has_left() && outside::parent_of(pid(place)).is_some() {
            std::thread::yield_now();
        }
        outside::wait_until_asleep(pid(place));
    };
    if middle::announced(&mut announced, workers).is_ok_and(|all| all == workers) {
        // Those that were begun, one by each worker.
        let has_begun = |place: &usize| words.word(*place).load(SeqCst) > 0;
        let begun: Vec<usize> = (0..count).filter(has_begun).collect();
        let handles = middle::handles(begun.iter().map(|place| pid(*place)));
        let is_stopped = matches!(
            scene,
            Scene::BehindTheCallersBack
                | Scene::AllBehindTheCallersBack
                | Scene::BehindTheCallersBackWithMore
        );
        let hit = match scene {
            Scene::AllAtWork | Scene::AllBehindTheCallersBack => workers,
            Scene::AtWork
            | Scene::Idle
            | Scene::BehindTheCallersBack
            | Scene::BehindTheCallersBackWithMore => 1,
        };
        if is_stopped {
            outside::stop(caller.pid()).expect("it is a child");
        }
        if is_stopped || scene == Scene::Idle {
            begun[..hit].iter().copied().for_each(answer_and_wait);
        }
        if scene == Scene::Idle {
            outside::wait_until_asleep(caller.pid()); // it has read the answer, and waits for the others
        }
        for handle in &handles[..hit] {
            let killed = handle.kill();
            // A pool may finish an idle worker when the queue is empty.
            assert!(killed.is_ok() || scene == Scene::Idle, "it can be killed");
            middle::wait_for(handle);
        }
        words.word(3 * count).store(u64::from(waiting > 0), SeqCst);
        if scene == Scene::Idle {
            outside::wait_until_asleep(caller.pid()); // it has seen the death
        }
        if is_stopped {
            outside::resume(caller.pid()).expect("it is a child");
        }
    }
    for place in 0..count {
        for _ in 0..attempts {
            go_on(place);
        }
    }
    let answers = caller.wait().map_err(|error| error.to_string());
    let runs = (0..count).map(|place| words.word(place).load(SeqCst));
    (answers, observed(runs.collect()))
}

/// A killer beside the pool: it knows the workers from the words that they write, and makes sure that each is one.
pub fn under_fire(
    learner: Learner,
    tasks: &[u64],
    attempts: usize,
    kills: u64,
) -> (Seen, SelfReported<u64>) {
    pub const WORKERS: usize = 3;
    let places = places(tasks);
    let count = tasks.len();
    // The runs and the process of each task; how many were killed; who wrote last; whether it is over.
    let words = Mapping::shared(2 * count + 3).expect("memory can be mapped");
    let (killed, last, over) = (2 * count, 2 * count + 1, 2 * count + 2);
    let caller = std::process::id();
    let mut random = random();
    let killer = middle::child(|| {
        let mut random = fastrand::Rng::with_seed(random.u64(..));
        while words.word(over).load(SeqCst) == 0 && words.word(killed).load(SeqCst) < kills {
            for _ in 0..random.u32(0..3000) {
                std::hint::spin_loop();
            }
            if random.u8(..) < 64 {
                std::thread::yield_now();
            }
            let pid = words.word(last).load(SeqCst) as u32;
            // The handle first, then the question whose child it is: the number can't come to mean another process.
            let Ok(handle) = PidFd::open(pid) else {
                continue;
            };
            if pid != 0 && outside::parent_of(pid) == Some(caller) && handle.kill().is_ok() {
                words.word(killed).fetch_add(1, SeqCst);
                words.word(last).store(0, SeqCst);
            }
        }
        Ok(())
    });
    let work = |task: u64| {
        let place = places[&task];
        words
            .word(last)
            .store(u64::from(std::process::id()), SeqCst);
        words.word(place).fetch_add(1, SeqCst);
        words
            .word(count + place)
            .store(u64::from(std::process::id()), SeqCst);
        let mut value = task;
        for _ in 0..500 {
            value = std::hint::black_box(value.rotate_left(1));
        }
        answer(task)
    };
    let before = Counts::now();
    let answers = (learner.run_tasks)(tasks, WORKERS, attempts, &work);
    words.word(over).store(1, SeqCst);
    killer.wait().expect("the killer ends");
    let seen = Seen {
        answers: answers.map_err(|error| error.to_string()),
        runs: observed(
            (0..count)
                .map(|place| words.word(place).load(SeqCst))
                .collect(),
        ),
        pids: observed(Vec::new()),
        caller,
        in_vain: observed(false),
        ledger: Ledger::default(),
        left: Leftovers::new(Counts::since(before)),
    };
    (seen, observed(words.word(killed).load(SeqCst)))
}
