//! Step 3: others hold the lock meanwhile.

use crate::Learner;
use crate::cast::{self, Act, CLOCK, HOSTILE, Rule, Setting};
use crate::runs::{BURST, computing, interval};
use crate::switching::expect_an_end;
use checks::{Explored, SelfReported, explain, observed, random};
use os_core::time::Duration;

checks::subject! {
    for Learner;

    fn play(learner, micros: u64, scripts: Vec<Vec<Act>>, rules: Vec<Rule>, setting: Setting) -> Explored<Option<String>> as allow_threads {
        let interval = Duration::from_micros(micros);
        cast::play(move || (learner.gil)(interval), Some(interval), scripts, rules, setting)
    }

    /// What `work` returns, several times with one guard, in a plain run; and how often it ran.
    fn answers(learner, numbers: Vec<u64>) -> (Vec<u64>, SelfReported<u64>) as allow_threads {
        let gil = (learner.gil)(Duration::from_millis(5));
        let mut guard = gil.acquire();
        let mut calls = 0;
        let answers = numbers.iter().map(|number| guard.allow_threads(&mut || {
            calls += 1;
            number.wrapping_mul(3)
        })).collect();
        (answers, observed(calls))
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    what_work_returns_is_returned,
    others_hold_the_lock_meanwhile,
    the_lock_is_held_again_afterwards,
    work_runs_without_the_lock,
    a_panic_goes_on_to_the_caller,
    a_panic_takes_the_lock_back,
    waiting_threads_overlap,
    it_waits_its_turn,
    a_request_is_answered_by_it,
    many_times_with_many_threads,
];

/// Says what a deadlock means, if there is one.
fn judge(explored: &Explored<Option<String>>) {
    if explored.deadlocks() || explored.is_endless() {
        explain(
            "gil/exercise.md#give-it-up-take-it-back",
            "A thread waits for a lock that nobody gives up any more. Give it up once before `work`, take it back once after it: with \
             `take`, because `acquire` makes a second guard.",
        );
        expect_an_end(explored);
    }
    explored.expect_no_complaint();
}

fn what_work_returns_is_returned() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "`work` runs once, and what it returns is the result.",
    );
    let mut random = random();
    let numbers: Vec<u64> = (0..4).map(|_| random.u64(..)).collect();
    let (answers, calls) = answers(&numbers);
    let expected: Vec<u64> = numbers
        .iter()
        .map(|number| number.wrapping_mul(3))
        .collect();
    assert_eq!(answers, expected, "what four calls returned");
    assert_eq!(calls, 4, "how often `work` ran in four calls");
}

fn others_hold_the_lock_meanwhile() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "While `work` runs, the lock is free, and a thread that waits for it gets it at once. If a value takes the lock back in its \
         `drop`, give it a name: `let _ = …` drops it before `work` runs.",
    );
    let micros = interval();
    let scripts = vec![
        vec![
            Act::Acquire,
            Act::Work(BURST),
            Act::Io(8 * BURST),
            Act::Release,
        ],
        vec![
            Act::Until(10),
            Act::Acquire,
            Act::Work(2 * BURST),
            Act::Release,
        ],
        vec![
            Act::Until(4 * BURST),
            Act::Acquire,
            Act::Work(BURST),
            Act::Release,
        ],
    ];
    let rules = vec![
        Rule::Gets(1, 0, BURST, BURST),
        Rule::Gets(2, 0, 4 * BURST, 4 * BURST),
        Rule::EndsAt(9 * BURST),
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn the_lock_is_held_again_afterwards() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "When `allow_threads` returns, this thread holds the lock again: it waits until whoever holds it gives it up.",
    );
    let micros = interval();
    let scripts = vec![
        vec![Act::Acquire, Act::Io(BURST), Act::Work(BURST), Act::Release],
        vec![
            Act::Until(10),
            Act::Acquire,
            Act::Work(2 * BURST),
            Act::Release,
        ],
    ];
    let due = 10 + 2 * BURST;
    judge(&play(
        &micros,
        &scripts,
        &vec![Rule::Gets(0, 1, due, due)],
        &CLOCK,
    ));
    let script = vec![
        Act::Acquire,
        Act::Work(1),
        Act::Io(1),
        Act::Work(1),
        Act::Release,
    ];
    judge(&play(&micros, &vec![script; 3], &vec![], &HOSTILE));
}

fn work_runs_without_the_lock() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "`work` runs while this thread doesn't hold the lock, so it can acquire it, as a callback from C code does.",
    );
    let scripts = vec![vec![
        Act::Acquire,
        Act::IoThatAcquires(BURST),
        Act::Work(BURST),
        Act::Release,
    ]];
    judge(&play(
        &interval(),
        &scripts,
        &vec![Rule::EndsAt(2 * BURST)],
        &CLOCK,
    ));
    let script = vec![Act::Acquire, Act::IoThatAcquires(1), Act::Release];
    judge(&play(&interval(), &vec![script; 2], &vec![], &HOSTILE));
}

fn a_panic_takes_the_lock_back() {
    explain(
        "gil/exercise.md#take-it-back-in-a-panic-too",
        "A panic in `work` skips the lines after it, but it still drops values. If none of them takes the lock back, the guard later \
         gives up a lock that another thread holds.",
    );
    let micros = interval();
    let panics = vec![
        Act::Acquire,
        Act::IoThatPanics(BURST),
        Act::Work(BURST),
        Act::Release,
    ];
    let other = vec![
        Act::Until(10),
        Act::Acquire,
        Act::Work(2 * BURST),
        Act::Release,
    ];
    let due = 10 + 2 * BURST;
    let rules = vec![Rule::Gets(0, 1, due, due), Rule::EndsAt(due + BURST)];
    judge(&play(
        &micros,
        &vec![panics.clone(), other.clone()],
        &rules,
        &CLOCK,
    ));
    let late = vec![
        Act::Until(due + BURST / 2),
        Act::Acquire,
        Act::Work(BURST),
        Act::Release,
    ];
    let rules = vec![Rule::Gets(2, 0, due + BURST, due + BURST)];
    judge(&play(
        &micros,
        &vec![panics.clone(), other, late],
        &rules,
        &CLOCK,
    ));
    judge(&play(&micros, &vec![panics; 3], &vec![], &HOSTILE));
    // From then on it is a guard like any other.
    let panics = vec![
        Act::Acquire,
        Act::IoThatPanics(BURST),
        Act::Compute(12, BURST),
        Act::Io(BURST),
        Act::Work(BURST),
        Act::Release,
    ];
    let mut scripts = computing(2, 12);
    scripts[0] = panics;
    let rules = vec![
        Rule::SlicesOf(micros),
        Rule::TellsTheTruth,
        Rule::WaitsUpTo(micros + 2 * BURST),
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn a_panic_goes_on_to_the_caller() {
    explain(
        "gil/exercise.md#take-it-back-in-a-panic-too",
        "A panic in `work` goes on to the caller, with the same payload, after you have taken the lock back: `resume_unwind`, not a \
         new panic.",
    );
    let scripts = vec![vec![
        Act::Acquire,
        Act::IoThatPanics(BURST),
        Act::Work(BURST),
    ]];
    let explored = play(&interval(), &scripts, &vec![], &CLOCK);
    // Whether the lock is held then is the next test's.
    if !explored.deadlocks() && !explored.is_endless() {
        explored.expect_no_complaint();
    }
}

fn waiting_threads_overlap() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "Threads that wait for something else need no lock meanwhile, so they wait at the same time.",
    );
    let script = vec![Act::Acquire, Act::Io(20 * BURST), Act::Release];
    judge(&play(
        &interval(),
        &vec![script; 6],
        &vec![Rule::EndsAt(20 * BURST)],
        &CLOCK,
    ));
}

fn it_waits_its_turn() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "A thread that takes the lock back waits like any other: first come, first served, and it requests the lock after an \
         interval.",
    );
    let micros = interval();
    let slice = (micros / BURST + 1) * BURST;
    let mut scripts = computing(3, 14);
    scripts.push(vec![
        Act::Until(30),
        Act::Acquire,
        Act::Io(BURST / 4),
        Act::Release,
    ]);
    let rules = vec![
        Rule::Order(vec![0, 1, 2, 3, 0, 1, 2, 3]),
        Rule::WaitsUpTo(3 * slice),
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
    // Nobody else waits, so nobody else requests it.
    let mut scripts = computing(2, 12);
    scripts[0] = vec![
        Act::Acquire,
        Act::Io(BURST),
        Act::Work(BURST / 4),
        Act::Release,
    ];
    let due = BURST + micros;
    let rules = vec![Rule::Gets(0, 1, due, due + BURST + 10)];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn a_request_is_answered_by_it() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "Giving the lock up answers the request: the next holder starts with none.",
    );
    let micros = interval();
    let pending = micros + BURST / 5;
    let scripts = vec![
        vec![
            Act::Acquire,
            Act::Work(pending),
            Act::Io(BURST),
            Act::Release,
        ],
        vec![
            Act::Until(10),
            Act::Acquire,
            Act::Compute(8, BURST),
            Act::Release,
        ],
    ];
    let rules = vec![
        Rule::Gets(1, 0, pending, pending),
        Rule::SlicesOf(micros),
        Rule::TellsTheTruth,
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn many_times_with_many_threads() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "Any number of threads may give the lock up and take it back, any number of times.",
    );
    let micros = interval();
    let mut scripts = vec![
        vec![
            Act::Acquire,
            Act::Serve(6, BURST / 4, BURST / 3),
            Act::Release
        ];
        3
    ];
    scripts.extend(computing(2, 6));
    judge(&play(
        &micros,
        &scripts,
        &vec![Rule::TellsTheTruth, Rule::SlicesOf(micros)],
        &CLOCK,
    ));
    let serve = vec![Act::Acquire, Act::Serve(2, 1, 1), Act::Release];
    judge(&play(&micros, &vec![serve; 3], &vec![], &HOSTILE));
}
