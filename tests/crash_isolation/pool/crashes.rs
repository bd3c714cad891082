//! Tasks that end their workers.

use super::{
    Case, answers, assert_begun_beside_the_held, assert_not_too_many, assert_others_answered,
    run_all,
};
use crate::Outcome;
use crate::support::scenes::{Poison, message};
use checks::{explain, random};

pub fn a_poisoned_task_fails_alone() {
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

pub fn every_other_task_runs_exactly_once() {
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

pub fn a_failure_tells_how_its_worker_ended() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Wait for the dead worker: its status says how it ended, and step 1 decodes it.",
    );
    let cases: Vec<Case> = Poison::ALL
        .into_iter()
        .chain([Poison::Exit(255), Poison::Exit(0)])
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

pub fn a_failure_has_the_message_of_the_crash_report() {
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
            Err(Some(message)) if *message == format!("panicked: {expected}") => continue,
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

pub fn a_worker_that_died_is_replaced() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "A pool that only shrinks has no workers in the end. Start a new one while there are tasks.",
    );
    for workers in [1, 2] {
        let case = Case::new(12, workers).poisoned(&[0, 1, 2], Poison::Abort);
        let seen = case.run();
        assert_others_answered(&seen, &case);
        assert_not_too_many(&seen, &case);
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
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Replace a dead worker at once, also while others are busy: their tasks may take long, and those that wait need a worker.",
    );
    for attempts in [1, 2] {
        let case = Case {
            attempts,
            held: vec![1],
            poisoned: vec![(0, Poison::Kill, 1)],
            ..Case::new(3, 2)
        };
        let seen = case.run();
        assert_begun_beside_the_held(&seen, &case);
        assert_others_answered(&seen, &case);
    }
}

pub fn many_poisoned_tasks_fail_alone() {
    explain(
        "crash_isolation/exercise.md#what-exactly-is-lost",
        "Any number of tasks may be poisoned: one after the other, the last one, all of them.",
    );
    let mut random = random();
    let some: Vec<usize> = (0..30).filter(|_| random.u8(..) < 100).collect();
    let all: Vec<usize> = (0..40).collect();
    let cases = [
        Case::new(30, 3).poisoned(&some, Poison::Segfault),
        Case::new(40, 2).poisoned(&all, Poison::Exit(9)),
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

pub fn a_task_is_tried_as_often_as_it_may() {
    explain(
        "crash_isolation/exercise.md#try-again-but-not-forever",
        "A task that kills every worker kills the next one, too. Count its attempts.",
    );
    let mut random = random();
    let poisoned = [
        [3, 4],
        [3, 4],
        [0, 8],
        [random.usize(1..4), random.usize(4..8)],
    ];
    for (attempts, poisoned) in [1, 2, 5, random.usize(9..14)].into_iter().zip(poisoned) {
        let case = Case {
            attempts,
            ..Case::new(9, 2).poisoned(&poisoned, Poison::Exit(5))
        };
        let seen = case.run();
        assert_others_answered(&seen, &case);
        for place in poisoned {
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
            .filter(|(place, _)| !poisoned.contains(place))
        {
            assert_eq!(
                *runs, 1,
                "how often task {place} was begun, which is not poisoned"
            );
        }
    }
}

pub fn a_second_attempt_may_succeed() {
    explain(
        "crash_isolation/exercise.md#try-again-but-not-forever",
        "A task may have been unlucky. If it has an attempt left, it gets another worker.",
    );
    // Cut to 32 bits, 2^32 is 0; and to the largest number nothing can be added.
    let cases = [3, 1 << 32, usize::MAX].map(|attempts| Case {
        attempts,
        poisoned: vec![
            (2, Poison::Kill, 1),
            (5, Poison::Panic, 2),
            (9, Poison::Abort, 2),
        ],
        ..Case::new(10, 2)
    });
    for (case, seen) in cases.iter().zip(run_all(&cases)) {
        assert_others_answered(&seen, case);
        let runs = [2, 5, 9].map(|place| seen.runs[place]);
        assert_eq!(
            runs,
            [2, 3, 3],
            "how often the tasks were begun that crash once, twice, twice, with `attempts` {}",
            case.attempts
        );
    }
    explain(
        "crash_isolation/exercise.md#step-4-a-pool",
        "A second attempt takes the place of the worker that died: never more than `workers` live at the same time.",
    );
    let case = Case {
        attempts: 2,
        poisoned: vec![(0, Poison::Kill, 1), (1, Poison::Exit(1), 1)],
        // So that a worker too many lives beside the others.
        pause: 1,
        ..Case::new(60, 2)
    };
    let seen = case.run();
    assert_others_answered(&seen, &case);
    assert_not_too_many(&seen, &case);
}

pub fn a_failure_is_that_of_the_last_attempt() {
    explain(
        "crash_isolation/exercise.md#try-again-but-not-forever",
        "Each attempt may end differently. The failure reports the worker that had the task last.",
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
