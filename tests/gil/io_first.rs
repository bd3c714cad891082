//! Bonus: threads that come back from I/O go first, and the others keep their share.

use crate::Learner;
use crate::cast::{self, Act, CLOCK, HOSTILE, Rule, Setting};
use crate::runs::{
    self, BURST, a_newcomer, computing, dropped_early, expect_sleep, interval, long_wait,
    other_intervals, requested_and_dropped, two_compute,
};
use crate::switching::expect_no_lock_at_safe_points;
use checks::leftovers::{self, Leftovers};
use checks::{Explored, SelfReported, explain, observed, random};
use os_core::time::Duration;

checks::subject! {
    for Learner;

    fn play(learner, micros: u64, scripts: Vec<Vec<Act>>, rules: Vec<Rule>, setting: Setting) -> Explored<Option<String>> as IoFirst {
        let interval = Duration::from_micros(micros);
        cast::play(move || (learner.io_first)(interval), Some(interval), scripts, rules, setting)
    }

    /// See [`runs::two_locks`].
    fn two_locks(learner, held: usize, waits: bool) -> Explored<bool> as IoFirst {
        runs::two_locks(learner.io_first, held, waits)
    }

    /// On threads of the kernel: what was counted, and what is left.
    fn in_a_plain_run(learner, micros: u64, threads: u64, additions: u64) -> (SelfReported<u64>, Leftovers) as IoFirst {
        leftovers::watch(|| {
            let lock = (learner.io_first)(Duration::from_micros(micros));
            observed(runs::count_in_a_plain_run(lock, threads, additions))
        })
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_free_lock_is_taken_at_once,
    without_waiters_a_safe_point_keeps_the_lock,
    a_waiting_thread_sleeps,
    only_one_thread_holds_the_lock,
    without_io_it_is_first_come_first_served,
    a_thread_that_comes_back_goes_first,
    those_that_come_back_go_first_in_their_order,
    the_interrupted_thread_goes_on,
    threads_that_compute_keep_half_of_the_time,
    a_thread_that_went_first_passes_the_lock_on,
    those_that_went_first_have_an_interval,
    nobody_starves,
    a_panic_takes_the_lock_back,
    a_panic_gives_the_lock_up,
    without_io_it_asks_as_in_step_2,
    work_may_acquire_the_lock,
    two_locks_have_nothing_to_do_with_each_other,
    many_threads_get_the_lock,
    nothing_is_left_behind,
];

/// For long plays: which schedule makes little difference to how long threads hold the lock.
const FEW: Setting = Setting {
    schedules: 8,
    ..CLOCK
};

fn judge(explored: &Explored<Option<String>>) {
    if explored.deadlocks() || explored.is_endless() {
        explain(
            "gil/exercise.md#bonus-beat-cpython",
            "A thread waits for a lock that nobody gives up any more, or nobody is next. The thread that gives the lock up first chooses who \
             is next, from either queue, and then wakes that thread.",
        );
    }
    explored.expect_no_complaint();
}

/// A thread that serves requests: waits for one, and works on it for a short while.
fn serving(times: u32, io: u64, work: u64) -> Vec<Act> {
    vec![
        Act::Until(5),
        Act::Acquire,
        Act::Serve(times, io, work),
        Act::Release,
    ]
}

fn a_free_lock_is_taken_at_once() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A lock that nobody holds is taken at once, even by a thread that comes back.",
    );
    let script = vec![
        Act::Acquire,
        Act::Compute(3, BURST),
        Act::Io(2 * BURST),
        Act::Work(BURST),
        Act::Release,
        Act::Acquire,
        Act::Release,
    ];
    judge(&play(
        &interval(),
        &vec![script],
        &vec![Rule::Keeps, Rule::EndsAt(6 * BURST)],
        &CLOCK,
    ));
}

fn without_waiters_a_safe_point_keeps_the_lock() {
    explain(
        "gil/exercise.md#hand-it-over",
        "Nobody waits, so nobody requests the lock: a safe point returns `false` at once and the lock stays where it is.",
    );
    let script = vec![Act::Acquire, Act::Compute(20, BURST), Act::Release];
    let rules = vec![Rule::Keeps, Rule::EndsAt(20 * BURST)];
    let explored = play(&interval(), &vec![script], &rules, &CLOCK);
    judge(&explored);
    expect_no_lock_at_safe_points(&explored, 20);
    // B waits, and hasn't waited for an interval yet. That it gets the lock only in the end is a later test's.
    let explored = play(
        &(20 * BURST + BURST / 2),
        &computing(2, 20),
        &vec![Rule::Gets(1, 0, 20 * BURST, 20 * BURST)],
        &FEW,
    );
    expect_no_lock_at_safe_points(&explored, 20);
}

fn a_waiting_thread_sleeps() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A thread that waits wakes once in an interval, to request the lock. In between it sleeps.",
    );
    let micros = interval();
    let setting = Setting {
        schedules: 3,
        ..CLOCK
    };
    for intervals in [20, 1] {
        let explored = play(&micros, &long_wait(intervals * micros), &vec![], &setting);
        judge(&explored);
        expect_sleep(&explored, intervals);
    }
}

fn only_one_thread_holds_the_lock() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that goes first still waits until the holder has given the lock up.",
    );
    let micros = interval();
    let mut scripts = computing(2, 3);
    scripts.push(serving(3, 1, 1));
    for setting in [
        HOSTILE,
        CLOCK,
        Setting {
            spurious: 3,
            ..HOSTILE
        },
    ] {
        judge(&play(
            &micros,
            &scripts,
            &vec![Rule::TellsTheTruth],
            &setting,
        ));
    }
}

fn without_io_it_is_first_come_first_served() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "As long as nobody comes back from I/O, the lock behaves as in step 2.",
    );
    let micros = interval();
    let rules = vec![
        Rule::SlicesOf(micros),
        Rule::TellsTheTruth,
        Rule::WaitsUpTo(2 * (micros + BURST)),
        Rule::Order([0, 1, 2].repeat(2)),
    ];
    judge(&play(&micros, &computing(3, 14), &rules, &CLOCK));
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A request is meant for one holder: the thread that gives the lock up clears it, even by dropping the guard.",
    );
    let rules = vec![Rule::SlicesOf(micros), Rule::TellsTheTruth];
    judge(&play(
        &micros,
        &requested_and_dropped(micros),
        &rules,
        &CLOCK,
    ));
}

fn a_thread_that_comes_back_goes_first() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that comes back requests the lock at once and goes before all threads that compute: it waits for the next safe \
         point, and not for their intervals.",
    );
    let micros = interval();
    for threads in [1, 4] {
        let mut scripts = computing(threads, 30);
        scripts.push(serving(5, 7 * BURST + BURST / 3, BURST / 10));
        let server = scripts.len() - 1;
        judge(&play(
            &micros,
            &scripts,
            &vec![Rule::BackWithin(server, BURST)],
            &CLOCK,
        ));
    }
    // One that takes a third of the time has had less than those that compute, so it never waits for more than a safe point.
    let mut scripts = computing(2, 30);
    scripts.push(serving(8, 2 * BURST + BURST / 3, BURST + BURST / 2));
    let rules = vec![Rule::BackWithin(2, BURST)];
    judge(&play(&micros, &scripts, &rules, &FEW));
    // Those that compute take turns by dropping the guard: that earns credit, too.
    let mut scripts = vec![[Act::Acquire, Act::Work(BURST), Act::Release].repeat(16); 2];
    scripts.push(serving(6, 2 * BURST + BURST / 3, BURST + BURST / 2));
    let rules = vec![Rule::BackWithin(2, BURST)];
    judge(&play(&micros, &scripts, &rules, &FEW));
    // Back within the first interval of all.
    let early = vec![
        Act::Acquire,
        Act::Io(2 * BURST + BURST / 3),
        Act::Work(BURST / 10),
        Act::Release,
    ];
    let computes = vec![
        Act::Until(10),
        Act::Acquire,
        Act::Compute(8, BURST),
        Act::Release,
    ];
    let rules = vec![Rule::BackWithin(0, BURST)];
    judge(&play(&micros, &vec![early, computes], &rules, &CLOCK));
}

fn those_that_come_back_go_first_in_their_order() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "Several threads come back while another one computes. All of them go before those that compute, and among them it is first \
         come, first served.",
    );
    let comes_back = |arrival, io| {
        vec![
            Act::Until(arrival),
            Act::Acquire,
            Act::Io(io),
            Act::Work(BURST / 4),
            Act::Release,
        ]
    };
    // C computes in one long instruction, and D waits from the beginning.
    let long = vec![
        Act::Until(20),
        Act::Acquire,
        Act::Work(20 * BURST),
        Act::SafePoint,
        Act::Work(BURST),
        Act::Release,
    ];
    let waits = vec![Act::Until(30), Act::Acquire, Act::Work(BURST), Act::Release];
    for (first, second, order) in [(5, 8, [0, 1, 2, 0, 1]), (8, 5, [0, 1, 2, 1, 0])] {
        let scripts = vec![
            comes_back(0, first * BURST),
            comes_back(10, second * BURST),
            long.clone(),
            waits.clone(),
        ];
        let rules = vec![Rule::Order(order.to_vec())];
        judge(&play(&interval(), &scripts, &rules, &CLOCK));
    }
    // Five of them, in any order.
    let mut order: Vec<usize> = (0..5).collect();
    random().shuffle(&mut order);
    let mut scripts: Vec<Vec<Act>> = (0..5)
        .map(|thread| {
            let place = order.iter().position(|other| *other == thread);
            comes_back(thread as u64, (5 + place.unwrap_or(0) as u64) * BURST)
        })
        .collect();
    scripts.extend([long, waits]);
    let order = (0..6).chain(order).collect();
    judge(&play(
        &interval(),
        &scripts,
        &vec![Rule::Order(order)],
        &FEW,
    ));
}

fn a_thread_that_went_first_passes_the_lock_on() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that went first and then computes has an interval like any other: those that compute request the lock from it, too.",
    );
    let micros = 4 * BURST + BURST / 2;
    let mut scripts = computing(2, 40);
    scripts.push(vec![
        Act::Until(5),
        Act::Acquire,
        Act::Io(2 * BURST),
        Act::Compute(60, BURST),
        Act::Release,
    ]);
    let rules = vec![Rule::WaitsUpTo(10 * (micros + BURST))];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn the_interrupted_thread_goes_on() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that was interrupted is next, with what is left of its interval: the time for which it was interrupted isn't part of it. \
         Otherwise it loses its turn, or those behind it wait too long.",
    );
    let micros = 9 * BURST + BURST / 2;
    // A has the lock, B waits; C comes back in the middle of A's interval.
    let mut scripts = computing(2, 40);
    scripts.push(vec![
        Act::Until(5),
        Act::Acquire,
        Act::Io(14 * BURST),
        Act::Work(4 * BURST),
        Act::Release,
    ]);
    // A has it up to 10, B up to 20, then A again. C comes back at 24 and computes for 4; from 28 on A goes on for its
    // other half: up to 34.
    let rules = vec![
        Rule::Order(vec![0, 2, 1, 0, 2, 0, 1]),
        Rule::BackWithin(2, BURST),
        Rule::Gets(1, 1, 32 * BURST, 36 * BURST),
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
    // Often enough that nobody would ever get through a whole interval.
    let mut scripts = computing(3, 40);
    scripts.push(serving(40, 2 * BURST + BURST / 3, BURST / 10));
    let rules = (0..3)
        .map(|thread| Rule::HoldsFor(thread, 20 * BURST, 90 * BURST))
        .collect();
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn threads_that_compute_keep_half_of_the_time() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that comes back often and then works for long takes the lock from those that compute. Keep an account, and let it go \
         first only while they have had more of the lock than it has.",
    );
    let micros = 4 * BURST + BURST / 2;
    for greedy in [1, 2] {
        let mut scripts = computing(2, 60);
        scripts.extend(vec![serving(60, BURST / 10, 3 * BURST); greedy]);
        let end = 80 * BURST;
        let rules = vec![Rule::HoldTogether(vec![0, 1], end / 2 - 3 * micros, end)];
        judge(&play(&micros, &scripts, &rules, &CLOCK));
    }
    // Three intervals are little time here.
    let micros = BURST + BURST / 2;
    for (threads, work) in [(2, 3 * BURST), (1, 4 * BURST)] {
        let mut scripts = computing(threads, 50);
        scripts.push(serving(40, BURST / 10, work));
        let computing = (0..scripts.len() - 1).collect();
        let end = 80 * BURST;
        let rules = vec![Rule::HoldTogether(computing, end / 2 - 3 * micros, end)];
        judge(&play(&micros, &scripts, &rules, &FEW));
    }
    let end = 40 * BURST;
    let rules = vec![Rule::HoldTogether(vec![0], end / 2 - 3 * micros, end)];
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "The turns of both threads are shorter than a millisecond here. The account counts all of the time: keep it in nanoseconds, for example.",
    );
    let computes = vec![Act::Acquire, Act::Compute(200, BURST / 4), Act::Release];
    let scripts = vec![computes, serving(60, BURST / 10, 9 * (BURST / 10))];
    judge(&play(&micros, &scripts, &rules, &FEW));
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that goes first spends credit while it holds the lock, even if it passes the lock on at a safe point. Settle the account \
         whenever a turn ends, in whatever way.",
    );
    // Each has the lock for longer than its interval, passes it on at a safe point, and computes no more after that.
    let often = [Act::Io(BURST / 10), Act::Compute(2, BURST)].repeat(12);
    let passes_on = [&[Act::Until(5), Act::Acquire], &often[..], &[Act::Release]].concat();
    let mut scripts = computing(1, 60);
    scripts.extend(vec![passes_on; 3]);
    judge(&play(&micros, &scripts, &rules, &FEW));
}

/// A thread that goes first when it comes back at this moment and then computes, with safe points.
fn comes_back_and_computes(back: u64, bursts: u32) -> Vec<Act> {
    vec![
        Act::Acquire,
        Act::Io(back),
        Act::Compute(bursts, BURST),
        Act::Release,
    ]
}

/// A thread that computes from this moment on.
fn computes_from(moment: u64, bursts: u32) -> Vec<Act> {
    vec![
        Act::Until(moment),
        Act::Acquire,
        Act::Compute(bursts, BURST),
        Act::Release,
    ]
}

fn those_that_went_first_have_an_interval() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that went first has one interval, and another one that comes back meanwhile doesn't interrupt it.",
    );
    let micros = 4 * BURST + BURST / 2;
    // C computes. A goes first at 5.02 and computes, too; B comes back at 7.3 and waits until A's interval is over, at 9.52.
    let comes_back = vec![
        Act::Until(10),
        Act::Acquire,
        Act::Io(7 * BURST + BURST / 3),
        Act::Work(BURST / 4),
        Act::Release,
    ];
    let scripts = vec![
        comes_back_and_computes(5 * BURST, 20),
        comes_back.clone(),
        computes_from(20, 40),
    ];
    let over = 5 * BURST + micros;
    let rules = vec![
        Rule::Order(vec![0, 1, 2, 0]),
        Rule::Gets(1, 1, over, over + 3 * (micros + BURST)),
        Rule::Gets(2, 1, over, over + BURST + BURST / 2),
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
    // C is gone: only B waits for A, an interval at most.
    let scripts = vec![
        comes_back_and_computes(5 * BURST, 20),
        comes_back,
        computes_from(20, 3),
    ];
    let back = 7 * BURST + BURST / 3;
    let rules = vec![Rule::Gets(1, 1, back, back + micros + BURST + 20)];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread whose interval is over when another one goes first has nothing left of it. With a whole new interval, those behind it \
         might wait forever.",
    );
    // C's interval is over at 4.52, and A comes back before its next safe point.
    let scripts = vec![
        vec![
            Act::Acquire,
            Act::Io(4 * BURST + 7 * (BURST / 10)),
            Act::Work(BURST / 4),
            Act::Release,
        ],
        computes_from(10, 40),
        computes_from(20, 40),
    ];
    let soon = 5 * BURST + BURST / 4 + 20;
    let rules = vec![Rule::Gets(2, 0, 5 * BURST, soon + BURST)];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that went first and whose interval is over computes like the others: it waits behind them.",
    );
    let scripts = vec![
        comes_back_and_computes(2 * BURST + BURST / 3, 20),
        computes_from(10, 40),
        computes_from(20, 40),
    ];
    let rules = vec![Rule::Order(vec![0, 1, 0, 1, 2, 0])];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn nobody_starves() {
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "Every thread gets the lock after a bounded time, whatever the others do.",
    );
    let micros = 4 * BURST + BURST / 2;
    let mut scripts = computing(3, 30);
    scripts.extend(vec![serving(60, BURST / 10, BURST); 2]);
    let most = 10 * (micros + BURST);
    judge(&play(
        &micros,
        &scripts,
        &vec![Rule::WaitsUpTo(most), Rule::TellsTheTruth],
        &CLOCK,
    ));
    explain(
        "gil/exercise.md#bonus-beat-cpython",
        "A thread that came back and may not go first yet waits until the others have earned it, and what the holder earns counts while it \
         holds the lock: perhaps no other thread computes.",
    );
    let scripts = vec![computes_from(0, 60), serving(12, BURST / 10, 3 * BURST)];
    let rules = vec![Rule::WaitsUpTo(micros + 4 * BURST)];
    judge(&play(&micros, &scripts, &rules, &FEW));
}

fn a_panic_takes_the_lock_back() {
    explain(
        "gil/exercise.md#take-it-back-in-a-panic-too",
        "If `work` panics, the lock is taken back and the panic goes on, as in step 3.",
    );
    let micros = interval();
    let panics = vec![
        Act::Acquire,
        Act::IoThatPanics(BURST),
        Act::Work(BURST),
        Act::Release,
    ];
    let due = BURST + BURST + BURST;
    let other = vec![
        Act::Until(10),
        Act::Acquire,
        Act::Work(2 * BURST),
        Act::Release,
    ];
    judge(&play(
        &micros,
        &vec![panics.clone(), other],
        &vec![Rule::EndsAt(due + 10)],
        &CLOCK,
    ));
    judge(&play(&micros, &vec![panics; 3], &vec![], &HOSTILE));
}

fn a_panic_gives_the_lock_up() {
    explain(
        "gil/exercise.md#step-2-switching",
        "A thread that panics drops its guard while it unwinds. The next one gets the lock as if nothing had happened.",
    );
    let panics = vec![Act::Acquire, Act::Compute(2, BURST), Act::Panic];
    let rules = vec![
        Rule::Gets(1, 0, 2 * BURST, 2 * BURST),
        Rule::EndsAt(5 * BURST),
    ];
    let scripts = vec![panics, computes_from(10, 3)];
    play(&interval(), &scripts, &rules, &CLOCK).expect_no_complaint();
}

/// The plays of step 2 that say when the lock is requested.
fn without_io_it_asks_as_in_step_2() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "Threads that compute get the lock as in step 2: after an interval of the holder's, whatever wakes those who wait, and whoever else \
         gets in line.",
    );
    let micros = interval();
    let spurious = Setting {
        spurious: 4,
        schedules: 16,
        ..CLOCK
    };
    let rules = vec![Rule::SlicesOf(micros), Rule::TellsTheTruth];
    judge(&play(&micros, &computing(3, 8), &rules, &spurious));
    let due = vec![Rule::Gets(1, 0, micros, micros + 10 + BURST)];
    judge(&play(&micros, &computing(2, 12), &due, &spurious));
    // A drops the guard before its interval is over, and B has one of its own.
    let (scripts, rules_of_both) = dropped_early(micros);
    judge(&play(&micros, &scripts, &rules_of_both, &FEW));
    // A drops the guard at the very moment at which the others time out.
    let mut scripts = computing(3, 12);
    scripts[0] = vec![Act::Acquire, Act::Work(micros + 10), Act::Release];
    judge(&play(&micros, &scripts, &rules, &FEW));
    // A doesn't come back, after the others have requested the lock.
    scripts[0] = vec![Act::Acquire, Act::Work(micros + BURST), Act::Release];
    let order = vec![Rule::Order(vec![0, 1, 2, 1])];
    judge(&play(&micros, &scripts, &order, &FEW));
    // A newcomer changes nothing.
    for moment in [micros / 2, micros + BURST / 4] {
        let due = Rule::Gets(1, 0, micros, micros + 10 + BURST);
        judge(&play(&micros, &a_newcomer(moment), &vec![due], &FEW));
    }
    // Somebody comes when the holder has had the lock for long: an interval may count from when it was taken.
    let late = 2 * micros + 10;
    let due = Rule::Gets(1, 0, late, late + micros + BURST);
    let scripts = vec![computes_from(0, 20), computes_from(late, 2)];
    judge(&play(&micros, &scripts, &vec![due], &FEW));
    for (micros, burst) in other_intervals() {
        let due = Rule::Gets(1, 0, micros, micros + 10 + burst);
        judge(&play(&micros, &two_compute(burst), &vec![due], &FEW));
    }
}

fn work_may_acquire_the_lock() {
    explain(
        "gil/exercise.md#give-it-up-take-it-back",
        "`work` runs while this thread doesn't hold the lock, so it can acquire it, as a callback from C code does.",
    );
    let script = vec![
        Act::Acquire,
        Act::IoThatAcquires(BURST),
        Act::Work(BURST),
        Act::Release,
    ];
    let end = vec![Rule::EndsAt(2 * BURST)];
    judge(&play(&interval(), &vec![script], &end, &FEW));
    let script = vec![Act::Acquire, Act::IoThatAcquires(1), Act::Release];
    let setting = Setting {
        schedules: 40,
        ..HOSTILE
    };
    judge(&play(&interval(), &vec![script; 2], &vec![], &setting));
}

fn two_locks_have_nothing_to_do_with_each_other() {
    explain(
        "gil/exercise.md#step-2-switching",
        "Each `IoFirst` is a lock of its own, as each interpreter has one: keep its state in its fields.",
    );
    // After 10 ms, only the interval of 5 ms is over.
    for (held, waits) in [(0, false), (1, false), (0, true), (1, true)] {
        two_locks(&held, &waits).expect_always(&(waits && held == 0));
    }
}

fn many_threads_get_the_lock() {
    explain(
        "gil/exercise.md#first-come-first-served",
        "Any number of threads may wait, and all of them get the lock.",
    );
    let (scripts, end) = runs::in_a_long_line();
    let order = (0..scripts.len()).collect();
    let rules = vec![Rule::Order(order), Rule::EndsAt(end)];
    let setting = Setting {
        schedules: 3,
        ..CLOCK
    };
    judge(&play(&interval(), &scripts, &rules, &setting));
    let threads = random().u64(20..30);
    let (sum, _) = in_a_plain_run(&200, &threads, &200);
    assert_eq!(
        sum,
        threads * 200,
        "what {threads} threads counted, each addition under the lock"
    );
}

fn nothing_is_left_behind() {
    explain(
        "gil/exercise.md#step-2-switching",
        "A lock needs no thread of its own.",
    );
    // Whatever waits for the end of an interval is still there.
    let (_, left) = in_a_plain_run(&5_000_000, &2, &10);
    assert!(left.is_nothing(), "When the lock is gone, {left} is left.");
}
