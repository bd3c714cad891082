//! Step 4: a pool that outlives its workers.

mod crashes;
mod kills;
mod work;

use crate::support::middle;
use crate::support::scenes::{
    Case, Poison, Scene, Seen, answer, kill_from_outside, run, under_fire,
};
use crate::{Answer, Learner};
use checks::{SelfReported, observed, random};
use crashes::*;
use kills::*;
use os_core::memory::{Mapping, Ordering::SeqCst};
use os_core::process::Crash;
use std::io::{self, Read, Write};
use work::*;

checks::subject! {
    for Learner;

    /// Several calls, one after the other, in one process.
    fn run_tasks(learner, cases: Vec<Case>) -> Vec<Seen> {
        cases.iter().map(|case| run(learner, case)).collect()
    }

    /// Workers have a task each. Then some are killed, and the others go on.
    fn run_and_kill(learner, tasks: Vec<u64>, scene: Scene) -> (Result<Vec<Answer>, String>, SelfReported<Vec<u64>>) as run_tasks {
        kill_from_outside(learner, &tasks, scene)
    }

    /// Answers by a function that needs no place of a task, and dies of one; and how often it was called.
    fn run_twice(learner, tasks: Vec<u64>, attempts: usize) -> (Result<Vec<Answer>, String>, SelfReported<u64>) as run_tasks {
        let runs = Mapping::shared(1).expect("memory can be mapped");
        let work = |task: u64| {
            runs.word(0).fetch_add(1, SeqCst);
            match task {
                POISON => Crash::Kill.now(),
                task => !task,
            }
        };
        let answers = (learner.run_tasks)(&tasks, 2, attempts, &work).map_err(|error| error.to_string());
        (answers, observed(runs.word(0).load(SeqCst)))
    }

    /// So many SIGKILLs, at workers and moments drawn at random.
    fn run_under_fire(learner, tasks: Vec<u64>, attempts: usize, kills: u64) -> (Seen, SelfReported<u64>) as run_tasks {
        under_fire(learner, &tasks, attempts, kills)
    }

    /// The caller is killed while every worker is at work; returns how many workers live on.
    fn run_and_lose_the_caller(learner, workers: usize) -> SelfReported<(usize, usize)> as run_tasks {
        // In this process, too: a panic in a child is only a crash of somebody.
        let _ = (learner.run_tasks)(&[], 1, 1, &|task| task);
        let pids = Mapping::shared(workers).expect("memory can be mapped");
        let (mut announced, announce) = io::pipe().expect("a pipe");
        let (forever, _held) = io::pipe().expect("a pipe");
        let caller = middle::child(|| {
            let work = |task: u64| {
                let place = usize::try_from(task).expect("it is small");
                pids.word(place).store(u64::from(std::process::id()), SeqCst);
                (&announce).write_all(b"!").expect("the test listens");
                let _ = (&forever).read(&mut [0]); // nobody writes
                task
            };
            let tasks: Vec<u64> = (0..workers as u64).collect();
            let answers = (learner.run_tasks)(&tasks, workers, 1, &work)?;
            Ok(format!("{answers:?}"))
        });
        drop(announce);
        let began = middle::announced(&mut announced, workers).expect("the pipe can be read");
        let handles = match began == workers {
            true => middle::handles((0..began).map(|place| pids.word(place).load(SeqCst) as u32)),
            false => Vec::new(),
        };
        caller.kill().expect("it can be killed");
        caller.finish().expect("it ends");
        observed((began, middle::survivors(&handles)))
    }
}

/// Of this task, `run_twice` dies.
const POISON: u64 = 13;

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    the_answers_come_in_the_order_of_the_tasks,
    the_work_is_done_in_forked_workers,
    workers_take_one_task_after_the_other,
    all_workers_work_at_the_same_time,
    a_poisoned_task_fails_alone,
    every_other_task_runs_exactly_once,
    a_failure_tells_how_its_worker_ended,
    a_failure_has_the_message_of_the_crash_report,
    a_worker_that_died_is_replaced,
    many_poisoned_tasks_fail_alone,
    a_task_is_tried_as_often_as_it_may,
    a_second_attempt_may_succeed,
    a_failure_is_that_of_the_last_attempt,
    a_worker_killed_at_work_loses_its_task_only,
    a_worker_killed_while_idle_costs_nothing,
    an_answer_outlives_its_worker,
    a_worker_killed_before_its_first_task_loses_no_other,
    no_process_outlives_the_call,
    random_kills_lose_one_task_each_at_most,
    a_single_worker_is_enough,
    more_workers_than_tasks_are_not_started,
    without_tasks_no_worker_is_started,
    thousands_of_tasks_are_no_trouble,
    any_number_is_a_task_and_an_answer,
    no_workers_or_attempts_are_an_error,
    a_worker_that_cannot_be_started_is_an_error,
    nothing_else_is_left_behind,
    a_killed_caller_leaves_no_workers,
];

/// So many different tasks.
fn tasks(count: usize) -> Vec<u64> {
    let mut random = random();
    let base = random.u64(..1 << 40);
    let mut tasks: Vec<u64> = (0..count as u64).map(|n| base + n * 1_000_003).collect();
    random.shuffle(&mut tasks);
    tasks
}

impl Case {
    fn new(count: usize, workers: usize) -> Self {
        Self {
            tasks: tasks(count),
            workers,
            attempts: 1,
            ..Self::default()
        }
    }

    fn poisoned(self, which: &[usize], poison: Poison) -> Self {
        Self {
            poisoned: which
                .iter()
                .map(|place| (*place, poison, u64::MAX))
                .collect(),
            ..self
        }
    }

    fn is_poisoned(&self, place: usize) -> bool {
        self.poisoned
            .iter()
            .any(|(which, _, times)| *which == place && *times >= self.attempts as u64)
    }

    /// Runs it after another one in the same process.
    fn run(&self) -> Seen {
        run_all(std::slice::from_ref(self)).remove(0)
    }
}

fn run_all(cases: &[Case]) -> Vec<Seen> {
    let mut all = vec![Case::new(3, 2)];
    all.extend_from_slice(cases);
    run_tasks(&all).split_off(1)
}

/// The answers, of which none may be an error of the whole call.
fn answers<'a>(seen: &'a Seen, case: &Case) -> &'a [Answer] {
    match &seen.answers {
        Ok(answers) => {
            assert_eq!(
                answers.len(),
                case.tasks.len(),
                "answers for {} tasks",
                case.tasks.len()
            );
            answers
        }
        Err(error) => panic!(
            "run_tasks returned the error {error:?} for {} tasks and {} workers",
            case.tasks.len(),
            case.workers
        ),
    }
}

/// All other tasks were begun while those were busy that are held.
fn assert_begun_beside_the_held(seen: &Seen, case: &Case) {
    let crashed = match case.poisoned.len() {
        0 => "",
        _ => "One task killed its worker. ",
    };
    let held = match case.held.len() {
        1 => "One kept its worker busy".to_owned(),
        count => format!("{count} kept their workers busy"),
    };
    assert!(
        !*seen.in_vain,
        "There were {} tasks for {} workers. {crashed}{held} until all others had begun, and some never did.",
        case.tasks.len(),
        case.workers
    );
}

/// At no moment more workers lived than may. Those that didn't end by themselves are left out: they may have been dead.
fn assert_not_too_many(seen: &Seen, case: &Case) {
    use checks::ledger::What;
    let records = &seen.ledger.records;
    let ended: Vec<usize> = records
        .iter()
        .filter(|record| record.what == What::Ended)
        .map(|record| record.process)
        .collect();
    let (mut alive, mut most) = (0_usize, 0);
    for record in records {
        match record.what {
            What::Forked(process) if ended.contains(&process) => alive += 1,
            What::Waited(process) if ended.contains(&process) => alive = alive.saturating_sub(1),
            _ => {}
        }
        most = most.max(alive);
    }
    assert!(
        most <= case.workers,
        "`workers` is {}, and {most} workers lived at the same time, those left out that crashed or were killed",
        case.workers
    );
}

/// Every task that isn't poisoned has its answer.
fn assert_others_answered(seen: &Seen, case: &Case) {
    for (place, yours) in answers(seen, case).iter().enumerate() {
        if !case.is_poisoned(place) {
            let task = case.tasks[place];
            assert_eq!(
                *yours,
                Ok(answer(task)),
                "the answer to task {place} of {}, which is not poisoned",
                case.tasks.len()
            );
        }
    }
}
