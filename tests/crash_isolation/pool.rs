//! Step 4: a pool that outlives its workers.

use crate::support::middle;
use crate::support::scenes::{
    Case, Poison, Scene, Seen, answer, kill_from_outside, message, run, under_fire,
};
use crate::{Answer, Failure, Learner, Outcome};
use checks::faults::{Fault, Operation};
use checks::{SelfReported, explain, observed, random};
use os_core::memory::{Mapping, Ordering::SeqCst};
use std::io::{self, Read, Write};

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

    /// Answers by a function that needs no place of a task; and how often it was called.
    fn run_twice(learner, tasks: Vec<u64>) -> (Result<Vec<Answer>, String>, SelfReported<u64>) as run_tasks {
        let runs = Mapping::shared(1).expect("memory can be mapped");
        let work = |task: u64| {
            runs.word(0).fetch_add(1, SeqCst);
            !task
        };
        let answers = (learner.run_tasks)(&tasks, 2, 1, &work).map_err(|error| error.to_string());
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

fn the_answers_come_in_the_order_of_the_tasks() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Workers answer in any order. Keep the place of each task, and put its answer there.",
    );
    for (count, workers) in [(40, 3), (7, 2), (2, 2)] {
        let case = Case::new(count, workers);
        let seen = case.run();
        assert_others_answered(&seen, &case);
    }
}

fn the_work_is_done_in_forked_workers() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Work that runs in the caller's own process takes the caller along when it crashes.",
    );
    let case = Case::new(12, 2);
    let seen = case.run();
    assert!(
        !seen.pids.contains(&u64::from(seen.caller)),
        "A task was done in the process that called run_tasks."
    );
}

fn workers_take_one_task_after_the_other() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "A worker is forked once and then takes many tasks: a fork for each task costs more than most tasks.",
    );
    let case = Case::new(60, 3);
    let seen = case.run();
    let forks = seen.ledger.all_forks();
    assert!(
        (1..=3).contains(&forks),
        "Processes forked for 60 tasks and 3 workers: {forks}."
    );
}

fn all_workers_work_at_the_same_time() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Give every worker a task before you wait for the first answer. Here each task waits until all have begun.",
    );
    for workers in [2, 5] {
        let case = Case {
            meet: true,
            ..Case::new(workers, workers)
        };
        assert_others_answered(&case.run(), &case);
    }
}

fn a_poisoned_task_fails_alone() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "The worker had one task in hand when it died. That one fails. Those that were waiting are given to others.",
    );
    // The first one, too: tasks that were sent together with it are waiting behind it.
    for which in [0, random().usize(3..10)] {
        let case = Case::new(24, 2).poisoned(&[which], Poison::Kill);
        let seen = case.run();
        assert_others_answered(&seen, &case);
        let yours = &answers(&seen, &case)[which];
        assert!(
            yours.is_err(),
            "the task killed its worker, and its answer is {yours:?}"
        );
    }
}

fn every_other_task_runs_exactly_once() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Each task is begun once. One that has been answered, or has used up its attempts, isn't given to another worker: it might send the same mail twice.",
    );
    let case = Case::new(40, 3).poisoned(&[0, 11, 12, 39], Poison::Panic);
    let seen = case.run();
    for (place, runs) in seen.runs.iter().enumerate() {
        let poisoned = if case.is_poisoned(place) {
            ", which is poisoned and may be tried once"
        } else {
            ""
        };
        assert_eq!(*runs, 1, "how often task {place} of 40 was begun{poisoned}");
    }
}

fn a_failure_tells_how_its_worker_ended() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Wait for the dead worker: its status says how it ended, and step 1 decodes it.",
    );
    let cases: Vec<Case> = Poison::ALL
        .into_iter()
        .chain([Poison::Exit(0)])
        .map(|poison| Case::new(5, 2).poisoned(&[2], poison))
        .collect();
    for (case, seen) in cases.iter().zip(run_all(&cases)) {
        let poison = case.poisoned[0].1;
        let yours = answers(&seen, case)[2]
            .clone()
            .map_err(|failure| failure.outcome);
        if poison == Poison::Exit(0) {
            explain(
                "crash_isolation/exercise.md#what-exactly-is-lost",
                "A worker that exits in the middle of a task has not answered it, whatever its exit code is.",
            );
        }
        assert_eq!(
            yours,
            Err(poison.outcome()),
            "the outcome of a task that ends its worker by `{poison:?}`"
        );
    }
}

fn a_failure_has_the_message_of_the_crash_report() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "`finish` returns what the worker wrote before it ended. A panic writes a report; a worker that was killed wrote none.",
    );
    let panics = Case::new(9, 2).poisoned(&[4, 7], Poison::Panic);
    let killed = Case::new(5, 2).poisoned(&[1], Poison::Kill);
    let seen = run_all(&[panics.clone(), killed.clone()]);
    for place in [4, 7] {
        let yours = answers(&seen[0], &panics)[place]
            .clone()
            .map_err(|failure| failure.message);
        let expected = message(panics.tasks[place]);
        let seen = match &yours {
            Ok(_) => "there is no failure",
            Err(None) => "the failure has no message",
            Err(Some(message)) if message.ends_with(&expected) && !message.contains('\0') => {
                continue;
            }
            Err(Some(_)) => "the failure's message is not that alone",
        };
        panic!("The task panicked with {expected:?}, and {seen}.");
    }
    let yours = answers(&seen[1], &killed)[1]
        .clone()
        .map_err(|failure| failure.message);
    assert_eq!(
        yours,
        Err(None),
        "the message of a task whose worker was killed by SIGKILL"
    );
}

fn a_worker_that_died_is_replaced() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "A pool that only shrinks has no workers in the end. Start a new one while there are tasks.",
    );
    for workers in [1, 2] {
        let case = Case::new(12, workers).poisoned(&[0, 1, 2], Poison::Abort);
        assert_others_answered(&case.run(), &case);
    }
    // Two tasks that meet need two workers, after both of the first ones have died.
    let mut case = Case {
        meet: true,
        attempts: 2,
        ..Case::new(2, 2)
    };
    case.poisoned = vec![(0, Poison::Kill, 1), (1, Poison::Kill, 1)];
    let seen = case.run();
    assert_others_answered(&seen, &case);
}

fn many_poisoned_tasks_fail_alone() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Any number of tasks may be poisoned: one after the other, the last one, all of them.",
    );
    let mut random = random();
    let some: Vec<usize> = (0..30).filter(|_| random.u8(..) < 100).collect();
    let all: Vec<usize> = (0..7).collect();
    let cases = [
        Case::new(30, 3).poisoned(&some, Poison::Segfault),
        Case::new(7, 2).poisoned(&all, Poison::Exit(9)),
        Case::new(8, 3).poisoned(&[7], Poison::Kill),
    ];
    for (case, seen) in cases.iter().zip(run_all(&cases)) {
        assert_others_answered(&seen, case);
        for (place, poison, _) in &case.poisoned {
            let yours = answers(&seen, case)[*place]
                .clone()
                .map_err(|failure| failure.outcome);
            assert_eq!(
                yours,
                Err(poison.outcome()),
                "the outcome of task {place}, which is poisoned"
            );
        }
    }
}

fn a_task_is_tried_as_often_as_it_may() {
    explain(
        "crash_isolation/exercise.md#try-again-but-not-for-ever",
        "A task that kills every worker kills the next one, too. Count its attempts.",
    );
    for attempts in [1, 2, 5] {
        let case = Case {
            attempts,
            ..Case::new(9, 2).poisoned(&[3, 4], Poison::Exit(5))
        };
        let seen = case.run();
        assert_others_answered(&seen, &case);
        for place in [3, 4] {
            assert_eq!(
                seen.runs[place], attempts as u64,
                "how often a task was begun that kills each worker, with `attempts` {attempts}"
            );
            let yours = answers(&seen, &case)[place]
                .clone()
                .map_err(|failure| failure.outcome);
            assert_eq!(yours, Err(Outcome::Exited(5)), "its outcome");
        }
        for (place, runs) in seen
            .runs
            .iter()
            .enumerate()
            .filter(|(place, _)| ![3, 4].contains(place))
        {
            assert_eq!(
                *runs, 1,
                "how often task {place} was begun, which is not poisoned"
            );
        }
    }
}

fn a_second_attempt_may_succeed() {
    explain(
        "crash_isolation/exercise.md#try-again-but-not-for-ever",
        "A task may have been unlucky. If it has an attempt left, it gets another worker.",
    );
    let mut case = Case {
        attempts: 3,
        ..Case::new(10, 2)
    };
    case.poisoned = vec![
        (2, Poison::Kill, 1),
        (5, Poison::Panic, 2),
        (9, Poison::Abort, 2),
    ];
    let seen = case.run();
    assert_others_answered(&seen, &case);
    let runs = [2, 5, 9].map(|place| seen.runs[place]);
    assert_eq!(
        runs,
        [2, 3, 3],
        "how often the tasks were begun that crash once, twice, twice"
    );
}

fn a_failure_is_that_of_the_last_attempt() {
    explain(
        "crash_isolation/exercise.md#try-again-but-not-for-ever",
        "Each attempt may end in another way. The failure tells of the worker that had the task last.",
    );
    let mut case = Case {
        attempts: 3,
        ..Case::new(6, 2)
    };
    let ends = [
        (2, [Poison::Panic, Poison::Kill, Poison::Exit(4)]),
        (4, [Poison::Exit(4), Poison::Kill, Poison::Panic]),
    ];
    for (place, poisons) in ends {
        let times = poisons.into_iter().zip(1..);
        case.poisoned
            .extend(times.map(|(poison, times)| (place, poison, times)));
    }
    let seen = case.run();
    assert_others_answered(&seen, &case);
    for (place, poisons) in ends {
        let last = poisons[2];
        let yours = answers(&seen, &case)[place]
            .clone()
            .map_err(|failure| (failure.outcome, failure.message.is_some()));
        assert_eq!(
            yours,
            Err((last.outcome(), last == Poison::Panic)),
            "the outcome, and whether there is a message, of a task whose three workers ended by {poisons:?}"
        );
    }
}

fn lost(task_count: usize, scene: Scene) -> (Vec<u64>, Vec<Answer>, SelfReported<Vec<u64>>) {
    let tasks = tasks(task_count);
    let (answers, runs) = run_and_kill(&tasks, &scene);
    match answers {
        Ok(answers) => {
            assert_eq!(
                answers.len(),
                tasks.len(),
                "answers for {} tasks",
                tasks.len()
            );
            (tasks, answers, runs)
        }
        Err(error) => panic!("run_tasks returned the error {error:?}, when a worker was killed"),
    }
}

fn killed() -> Answer {
    Err(Failure {
        outcome: Outcome::SIGKILL,
        message: None,
    })
}

fn a_worker_killed_at_work_loses_its_task_only() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Somebody else, such as the kernel's OOM killer, killed the worker in the middle of its task.",
    );
    let (tasks, answers, runs) = lost(3, Scene::AtWork);
    assert_eq!(
        answers[0],
        killed(),
        "the answer to the task whose worker was killed"
    );
    for place in [1, 2] {
        assert_eq!(
            answers[place],
            Ok(answer(tasks[place])),
            "the answer to task {place}"
        );
    }
    assert_eq!(*runs, [1, 1, 1], "how often each task was begun");
    let (_, answers, _) = lost(2, Scene::AllAtWork);
    assert_eq!(
        answers,
        [killed(), killed()],
        "the answers, when both workers were killed at work"
    );
}

fn a_worker_killed_while_idle_costs_nothing() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "The worker had answered its task and had no other. Its death is no failure of any task.",
    );
    let (tasks, answers, runs) = lost(3, Scene::Idle);
    for place in 0..3 {
        assert_eq!(
            answers[place],
            Ok(answer(tasks[place])),
            "the answer to task {place}"
        );
    }
    assert_eq!(*runs, [1, 1, 1], "how often each task was begun");
}

fn an_answer_outlives_its_worker() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "The worker had written its answer and was killed before you read it. The answer is in the pipe: read before you bury.",
    );
    let (tasks, answers, runs) = lost(2, Scene::BehindTheCallersBack);
    let expected: Vec<Answer> = tasks.iter().map(|task| Ok(answer(*task))).collect();
    assert_eq!(
        answers, expected,
        "the answers, of which the first one's worker is dead"
    );
    assert_eq!(*runs, [1, 1], "how often each task was begun");
}

fn a_worker_killed_before_its_first_task_loses_no_other() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "A worker can be dead before you send it a task. Sending fails then: the task was never begun, so it goes back into the queue.",
    );
    let dead = [&[1][..], &[2], &[1, 2], &[1, 2, 3]].map(|which| Case {
        faults: which
            .iter()
            .map(|nth| Fault::KillChildAtOnce(*nth))
            .collect(),
        ..Case::new(10, 2)
    });
    for (case, seen) in dead.iter().zip(run_all(&dead)) {
        let deaths = case.faults.len();
        for (place, yours) in answers(&seen, case).iter().enumerate() {
            let expected = Ok(answer(case.tasks[place]));
            assert_eq!(
                *yours, expected,
                "the answer to task {place}, when {deaths} of the workers were dead before they got a task"
            );
        }
        assert!(
            seen.runs.iter().all(|runs| *runs == 1),
            "{deaths} of the workers were dead before they got a task, and the tasks were begun so often: {:?}",
            seen.runs
        );
    }
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "These workers are killed as they begin: perhaps before you send them a task, perhaps after. Each may cost one task.",
    );
    let cases = [&[1][..], &[2], &[1, 2], &[1, 2, 3]].map(|which| Case {
        faults: which.iter().map(|nth| Fault::KillChild(*nth)).collect(),
        ..Case::new(10, 2)
    });
    for (case, seen) in cases.iter().zip(run_all(&cases)) {
        let deaths = case.faults.len();
        let yours = answers(&seen, case);
        let lost: Vec<&Failure> = yours
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .collect();
        assert!(
            lost.len() <= deaths,
            "{deaths} of the workers were killed as they began, and {} tasks were lost",
            lost.len()
        );
        for (place, yours) in yours.iter().enumerate() {
            match yours {
                Ok(yours) => assert_eq!(
                    *yours,
                    answer(case.tasks[place]),
                    "the answer to task {place}"
                ),
                Err(failure) => assert_eq!(
                    failure.outcome,
                    Outcome::SIGKILL,
                    "the outcome of a task that was lost"
                ),
            }
            assert!(
                seen.runs[place] <= 1,
                "task {place} was begun {} times",
                seen.runs[place]
            );
        }
    }
}

fn random_kills_lose_one_task_each_at_most() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Somebody killed workers at random moments. Each death may cost one task, and never the whole call: `send` to a dead worker fails with `BrokenPipe`, which is no error of the pool.",
    );
    for attempts in [1, 50] {
        let tasks = tasks(1500);
        let (seen, kills) = run_under_fire(&tasks, &attempts, &150);
        let case = Case {
            tasks,
            workers: 3,
            attempts,
            ..Case::default()
        };
        let mut lost = 0;
        for (place, yours) in answers(&seen, &case).iter().enumerate() {
            match yours {
                Ok(yours) => assert_eq!(
                    *yours,
                    answer(case.tasks[place]),
                    "the answer to task {place}"
                ),
                Err(failure) => {
                    assert_eq!(
                        failure.outcome,
                        Outcome::SIGKILL,
                        "the outcome of a task that was lost"
                    );
                    lost += 1;
                }
            }
        }
        let runs: u64 = seen.runs.iter().sum();
        if attempts == 1 {
            assert!(
                lost <= *kills,
                "{kills} workers were killed, and {lost} tasks were lost"
            );
            let most = seen.runs.iter().max();
            assert!(
                most <= Some(&1),
                "a task was begun {most:?} times, with one attempt each"
            );
        } else {
            assert_eq!(
                lost, 0,
                "tasks lost although each had {attempts} attempts, after {kills} kills"
            );
            assert!(
                runs <= case.tasks.len() as u64 + *kills,
                "{} tasks were begun {runs} times, after {kills} kills",
                case.tasks.len()
            );
        }
        assert!(
            seen.left.is_nothing(),
            "run_tasks left {} behind",
            seen.left
        );
    }
}

fn a_single_worker_is_enough() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "One worker does all tasks, one after the other.",
    );
    let case = Case::new(9, 1);
    let seen = case.run();
    assert_others_answered(&seen, &case);
    assert_eq!(
        seen.ledger.all_forks(),
        1,
        "processes forked for one worker"
    );
}

fn more_workers_than_tasks_are_not_started() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "A worker without a task is a fork for nothing.",
    );
    let case = Case::new(2, 40);
    let seen = case.run();
    assert_others_answered(&seen, &case);
    assert!(
        seen.ledger.all_forks() <= 2,
        "Processes forked for 2 tasks and 40 workers: {}.",
        seen.ledger.all_forks()
    );
}

fn without_tasks_no_worker_is_started() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "There is nothing to do, so there is nobody to start and nothing to wait for.",
    );
    let case = Case::new(0, 3);
    let seen = case.run();
    assert_eq!(seen.answers, Ok(vec![]), "the answers to no tasks");
    assert_eq!(seen.ledger.all_forks(), 0, "processes forked for no tasks");
    for (workers, attempts) in [(0, 1), (2, 0), (0, 0)] {
        let case = Case {
            attempts,
            ..Case::new(0, workers)
        };
        assert_eq!(
            case.run().answers,
            Ok(vec![]),
            "the answers to no tasks, with `workers` {workers} and `attempts` {attempts}"
        );
    }
}

fn thousands_of_tasks_are_no_trouble() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "A pipe holds 64 KiB. Whoever writes all tasks before reading an answer waits for a worker that waits for them.",
    );
    let case = Case::new(9000, 1);
    assert_others_answered(&case.run(), &case);
}

fn any_number_is_a_task_and_an_answer() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "No number is special: neither 0 nor the largest one stands for something else.",
    );
    let case = Case {
        tasks: vec![0, u64::MAX, 1, 1 << 63, u64::from(u32::MAX)],
        ..Case::new(0, 2)
    };
    assert_others_answered(&case.run(), &case);
    // A task that is listed twice is two tasks.
    let (twice, runs) = run_twice(&vec![5, 5, 5, 9]);
    let expected: Vec<Answer> = [5, 5, 5, 9].into_iter().map(|task| Ok(!task)).collect();
    assert_eq!(
        twice,
        Ok(expected),
        "the answers to tasks of which three are equal"
    );
    assert_eq!(
        *runs, 4,
        "how often four tasks were begun, of which three are equal"
    );
}

fn no_workers_or_attempts_are_an_error() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Without workers, or without attempts, no task can ever be done: say so instead of waiting.",
    );
    let none = Case::new(3, 0);
    let never = Case {
        attempts: 0,
        ..Case::new(3, 2)
    };
    for (what, seen) in ["`workers`", "`attempts`"]
        .into_iter()
        .zip(run_all(&[none, never]))
    {
        assert!(
            seen.answers.is_err(),
            "{what} is 0, and run_tasks returned {:?}",
            seen.answers
        );
        assert!(
            seen.left.is_nothing(),
            "{what} is 0, and run_tasks left {} behind",
            seen.left
        );
    }
}

fn a_worker_that_cannot_be_started_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Whatever goes wrong, nobody may be left behind: `?` alone forgets the workers that run.",
    );
    let first = Case {
        faults: vec![Fault::Fail(Operation::Fork, 1)],
        ..Case::new(6, 3)
    };
    let later = Case {
        faults: vec![Fault::Fail(Operation::Fork, 3)],
        ..first.clone()
    };
    let replacement = Case {
        faults: vec![Fault::Fail(Operation::Fork, 2)],
        ..Case::new(6, 1).poisoned(&[1], Poison::Kill)
    };
    for (which, seen) in ["the first", "the third", "the replacement"]
        .into_iter()
        .zip(run_all(&[first, later, replacement]))
    {
        assert!(
            seen.answers.is_err(),
            "{which} worker could not be started, and run_tasks returned {:?}",
            seen.answers
        );
        assert!(
            seen.left.is_nothing(),
            "{which} worker could not be started, and run_tasks left {} behind",
            seen.left
        );
    }
}

fn no_process_outlives_the_call() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Every worker is finished once: those that died, and those that are idle at the end.",
    );
    let cases = [
        Case::new(8, 3),
        Case::new(8, 3).poisoned(&[1, 6], Poison::Panic),
        Case::new(1, 1).poisoned(&[0], Poison::Kill),
    ];
    for seen in run_all(&cases) {
        assert_eq!(
            seen.left.children, 0,
            "run_tasks has returned, and a child is left, running or as a zombie"
        );
    }
}

fn nothing_else_is_left_behind() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Each worker has pipes. They close when what holds them is dropped.",
    );
    let case = Case::new(20, 2).poisoned(&[3, 4, 5], Poison::Abort);
    let seen = case.run();
    assert!(
        seen.left.is_nothing(),
        "run_tasks left {} behind",
        seen.left
    );
}

fn a_killed_caller_leaves_no_workers() {
    explain(
        "crash_isolation/exercise.md#when-the-supervisor-dies",
        "A worker that only waits for its pipe to end may first finish a task that takes for ever: `die_with_parent` ends it at once. \
         `Worker::start` has it built in.",
    );
    let (began, survivors) = run_and_lose_the_caller(&3).into_inner();
    assert_eq!(
        began, 3,
        "workers that began one of 3 tasks at the same time"
    );
    assert_eq!(
        survivors, 0,
        "workers that live on after their caller was killed"
    );
}
