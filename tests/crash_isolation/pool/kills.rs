//! Workers that somebody else kills, and a caller that is killed.

use super::{Case, answers, run_all, run_and_kill, run_and_lose_the_caller, run_under_fire, tasks};
use crate::support::scenes::{Poison, Scene, answer};
use crate::{Answer, Failure, Outcome};
use checks::faults::Fault;
use checks::{SelfReported, explain};

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

pub fn a_worker_killed_at_work_loses_its_task_only() {
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

pub fn a_worker_killed_while_idle_costs_nothing() {
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

pub fn an_answer_outlives_its_worker() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "The worker had written its answer and was killed before you read it. The answer is in the pipe: read it before you finish the worker.",
    );
    let (tasks, answers, runs) = lost(2, Scene::BehindTheCallersBack);
    let expected: Vec<Answer> = tasks.iter().map(|task| Ok(answer(*task))).collect();
    assert_eq!(
        answers, expected,
        "the answers, of which the first one's worker is dead"
    );
    assert_eq!(*runs, [1, 1], "how often each task was begun");
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "All tasks have been answered, and only then were the workers killed. That you find them dead when you finish them is no error.",
    );
    let (tasks, answers, runs) = lost(3, Scene::AllBehindTheCallersBack);
    let expected: Vec<Answer> = tasks.iter().map(|task| Ok(answer(*task))).collect();
    assert_eq!(
        answers, expected,
        "the answers, all of whose workers are dead"
    );
    assert_eq!(*runs, [1, 1, 1], "how often each task was begun");
}

pub fn a_worker_killed_before_its_first_task_loses_no_other() {
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
            "{deaths} of the workers were dead before they got a task, and the tasks were begun this often: {:?}",
            seen.runs
        );
    }
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "A task that could not be sent was not tried. Here it has two attempts left: the first one kills its worker.",
    );
    let unsent = Case {
        attempts: 2,
        poisoned: vec![(0, Poison::Kill, 1)],
        faults: vec![Fault::KillChildAtOnce(1)],
        ..Case::new(1, 1)
    };
    let seen = unsent.run();
    assert_eq!(
        (answers(&seen, &unsent), seen.runs.as_slice()),
        (&[Ok(answer(unsent.tasks[0]))][..], &[2][..]),
        "the answer to a task that was first sent to a dead worker, then killed one, and how often it was begun"
    );
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "The worker had answered, and died before you sent it the next task. That one was never begun, so it goes back into the queue and has \
         all its attempts left: here two, of which the first one kills its worker.",
    );
    let (tasks, settled, runs) = lost(7, Scene::BehindTheCallersBackWithMore);
    let expected: Vec<Answer> = tasks.iter().map(|task| Ok(answer(*task))).collect();
    assert_eq!(
        settled, expected,
        "the answers, when one of two workers was killed after its first answer, and six of the tasks kill a worker once"
    );
    let mut runs = runs.into_inner();
    runs.sort_unstable();
    assert_eq!(
        runs,
        [1, 2, 2, 2, 2, 2, 2],
        "how often each task was begun, in the order of these numbers"
    );
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

pub fn random_kills_lose_one_task_each_at_most() {
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

pub fn a_killed_caller_leaves_no_workers() {
    explain(
        "crash_isolation/exercise.md#when-the-supervisor-dies",
        "A worker that only waits for its pipe to end may first finish a task that takes forever: `die_with_parent` ends it at once. \
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
