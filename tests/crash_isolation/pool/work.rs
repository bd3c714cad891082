//! Tasks and workers, and what a call leaves behind.

use super::{
    Case, POISON, assert_begun_beside_the_held, assert_others_answered, run_all, run_twice,
};
use crate::Answer;
use crate::support::scenes::Poison;
use checks::explain;
use checks::faults::{Fault, Operation};

pub fn the_answers_come_in_the_order_of_the_tasks() {
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

pub fn the_work_is_done_in_forked_workers() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "If work runs in the caller's own process, its crash kills the caller, too.",
    );
    let case = Case::new(12, 2);
    let seen = case.run();
    assert!(
        !seen.pids.contains(&u64::from(seen.caller)),
        "A task was done in the process that called run_tasks."
    );
}

pub fn workers_take_one_task_after_the_other() {
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

pub fn all_workers_work_at_the_same_time() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Give every worker a task before you wait for the first answer. Here each task waits until all have begun.",
    );
    for workers in [2, 5, 36] {
        let case = Case {
            meet: true,
            ..Case::new(workers, workers)
        };
        assert_others_answered(&case.run(), &case);
    }
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Give a worker its next task as soon as it has answered. While few tasks wait, send none ahead to a busy worker: another one may be idle.",
    );
    // Each task that isn't held takes a while.
    let one = Case {
        held: vec![0],
        pause: 60,
        ..Case::new(4, 2)
    };
    let seen = one.run();
    assert_begun_beside_the_held(&seen, &one);
    let two = Case {
        held: vec![0, 1],
        ..Case::new(6, 3)
    };
    assert_begun_beside_the_held(&two.run(), &two);
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "A worker is lost when it has ended. One that works for long isn't.",
    );
    assert_others_answered(&seen, &one);
}

pub fn a_single_worker_is_enough() {
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

pub fn more_workers_than_tasks_are_not_started() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "Forking a worker that gets no task is a waste.",
    );
    for workers in [40, usize::MAX] {
        let case = Case::new(2, workers);
        let seen = case.run();
        assert_others_answered(&seen, &case);
        assert!(
            seen.ledger.all_forks() <= 2,
            "Processes forked for 2 tasks and {workers} workers: {}.",
            seen.ledger.all_forks()
        );
    }
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "The worker died with the last task, so there is nothing left for a new one to do.",
    );
    let case = Case::new(1, 1).poisoned(&[0], Poison::Kill);
    let forks = case.run().ledger.all_forks();
    assert_eq!(
        forks, 1,
        "processes forked for one task, which killed its worker and may be tried once"
    );
}

pub fn without_tasks_no_worker_is_started() {
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

pub fn thousands_of_tasks_are_no_trouble() {
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "A pipe holds 64 KiB. If you write all tasks before you read an answer, you wait for a worker that waits for you.",
    );
    let case = Case::new(9000, 1);
    assert_others_answered(&case.run(), &case);
}

pub fn any_number_is_a_task_and_an_answer() {
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
    // The answer to the largest number is 0, and the other way round.
    let tasks = vec![5, u64::MAX, 5, 5, 0, 9];
    let (twice, runs) = run_twice(&tasks, &1);
    let expected: Vec<Answer> = tasks.iter().map(|task| Ok(!task)).collect();
    assert_eq!(
        twice,
        Ok(expected),
        "the answers to tasks of which three are equal"
    );
    assert_eq!(
        *runs, 6,
        "how often six tasks were begun, of which three are equal"
    );
    explain(
        "crash_isolation/exercise.md#try-again-but-not-forever",
        "A task that is listed twice is two tasks, and each has its own attempts.",
    );
    let (twice, runs) = run_twice(&vec![POISON; 2], &3);
    assert_eq!(
        (
            twice.map(|answers| answers.iter().filter(|answer| answer.is_err()).count()),
            *runs
        ),
        (Ok(2), 6),
        "how many of two equal tasks failed that kill each worker, and how often they were begun, with 3 attempts for each"
    );
}

pub fn no_workers_or_attempts_are_an_error() {
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

pub fn a_worker_that_cannot_be_started_is_an_error() {
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
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "A pool that goes on with fewer workers than it was asked for hides that something is wrong: return the error.",
    );
    // Six workers are needed, whichever dies first.
    let beside_another = Case {
        faults: vec![Fault::Fail(Operation::Fork, 3)],
        after_the_first: true,
        ..Case::new(6, 2).poisoned(&[0, 1, 2, 3, 4, 5], Poison::Kill)
    };
    let seen = beside_another.run();
    assert!(
        seen.answers.is_err(),
        "One of two workers died and could not be replaced, and run_tasks returned no error."
    );
    assert!(
        seen.left.is_nothing(),
        "one of two workers died and could not be replaced, and run_tasks left {} behind",
        seen.left
    );
}

pub fn no_process_outlives_the_call() {
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

pub fn nothing_else_is_left_behind() {
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
