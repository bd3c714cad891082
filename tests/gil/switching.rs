//! Step 2: the lock changes hands, in turn.

use crate::Learner;
use crate::cast::{self, Act, CLOCK, HOSTILE, Rule, Setting};
use crate::runs::{
    self, BURST, a_newcomer, computing, dropped_early, expect_sleep, interval, long_wait,
    other_intervals, requested_and_dropped, two_compute,
};
use checks::leftovers::{self, Leftovers};
use checks::schedule::Op;
use checks::{Explored, SelfReported, explain, explore_schedules, observed, random};
use os_core::thread;
use os_core::time::Duration;

checks::subject! {
    for Learner;

    fn play(learner, micros: u64, scripts: Vec<Vec<Act>>, rules: Vec<Rule>, setting: Setting) -> Explored<Option<String>> as Gil {
        let interval = Duration::from_micros(micros);
        cast::play(move || (learner.gil)(interval), Some(interval), scripts, rules, setting)
    }

    /// Whether the scheduler sees anything of the lock.
    fn acquire_alone(learner) -> Explored<u64> as Gil {
        explore_schedules(3, move || {
            let gil = (learner.gil)(Duration::from_millis(5));
            let thread = thread::spawn(move || {
                for _ in 0..3 {
                    gil.acquire().safe_point();
                }
            });
            thread.join().expect("a free lock can be taken");
            3
        })
    }

    /// See [`runs::two_locks`].
    fn two_locks(learner, held: usize, waits: bool) -> Explored<bool> as Gil {
        runs::two_locks(learner.gil, held, waits)
    }

    /// On threads of the kernel: what was counted, and what is left.
    fn in_a_plain_run(learner, micros: u64, threads: u64, additions: u64) -> (SelfReported<u64>, Leftovers) as Gil {
        leftovers::watch(|| {
            let gil = (learner.gil)(Duration::from_micros(micros));
            observed(runs::count_in_a_plain_run(gil, threads, additions))
        })
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_free_lock_is_taken_at_once,
    the_scheduler_sees_the_lock,
    without_waiters_a_safe_point_keeps_the_lock,
    a_waiting_thread_sleeps,
    only_one_thread_holds_the_lock,
    a_given_up_lock_is_taken_at_once,
    the_holder_keeps_the_lock_for_an_interval,
    the_lock_changes_hands_at_the_next_safe_point,
    a_request_is_meant_for_one_holder,
    a_safe_point_tells_whether_the_lock_changed_hands,
    every_holder_has_an_interval_of_its_own,
    the_thread_that_waits_longest_is_next,
    nobody_starves,
    a_spurious_wake_up_gives_nothing,
    a_late_timeout_requests_nothing,
    a_panic_gives_the_lock_up,
    two_locks_have_nothing_to_do_with_each_other,
    many_threads_get_the_lock,
    nothing_is_left_behind,
];

/// Says what a deadlock or a loop without end means, if there is one.
fn judge(explored: &Explored<Option<String>>) {
    if explored.deadlocks() {
        explain(
            "gil/exercise.md#first-come-first-served",
            "Everybody waits, and nobody has the lock. The thread that gives it up first decides, under the mutex, who is next, and \
             then notifies so that *that* thread wakes: `notify_one` may wake another one.",
        );
    }
    if explored.deadlocks_alone() {
        explain(
            "gil/exercise.md#first-come-first-served",
            "A thread waits for a mutex that it has locked itself. Drop the mutex's guard before you call a function that locks it, \
             too.",
        );
    }
    if explored.is_endless() {
        explain(
            "gil/exercise.md#ask-after-an-interval",
            "A thread that waits for the lock wakes after every interval, requests the lock, and waits again. It does so forever \
             if nobody gives the lock up, or if it was given to a thread that doesn't wait for it. Does every `take` draw a ticket, \
             and every `release` serve one?",
        );
    }
    if cast::has_two_holders(explored) {
        explain(
            "gil/exercise.md#first-come-first-served",
            "At most one thread holds the lock. A thread that waits goes on only when it's its turn, and looks again after every \
             wait; only the holder ends a turn.",
        );
    }
    expect_an_end(explored);
    explored.expect_no_complaint();
}

/// Fails the test when there is no end in sight. That those who wait sleep is an earlier test's.
pub(crate) fn expect_an_end<T>(explored: &Explored<T>) {
    assert!(
        !explored.is_endless(),
        "Nobody gave the lock up. Under one schedule a thread waits for it interval after interval: after 50,000 steps the test \
         gave up."
    );
}

fn a_free_lock_is_taken_at_once() {
    explain(
        "gil/exercise.md#step-2-switching",
        "A lock that nobody holds is taken at once, the first time and after every release.",
    );
    let script = vec![
        Act::Acquire,
        Act::Work(BURST),
        Act::Release,
        Act::Acquire,
        Act::Work(BURST),
        Act::Release,
    ];
    judge(&play(
        &interval(),
        &vec![script],
        &vec![Rule::EndsAt(2 * BURST)],
        &CLOCK,
    ));
}

fn the_scheduler_sees_the_lock() {
    explain(
        "gil/exercise.md#step-2-switching",
        "The test decides who goes next at every access to `os::sync`. It can't at accesses to `std::sync`.",
    );
    let explored = acquire_alone();
    explored.expect_always(&3);
    assert!(
        explored.shares("A"),
        "Thread A took and gave up the lock, and used nothing of `os::sync`. Build the lock from `os::sync::Mutex` and \
         `os::sync::Condvar`."
    );
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
        &CLOCK,
    );
    expect_no_lock_at_safe_points(&explored, 20);
}

/// Fails the test when A, which passed so many safe points with no request, locked a mutex at each.
pub(crate) fn expect_no_lock_at_safe_points(
    explored: &Explored<Option<String>>,
    safe_points: usize,
) {
    explain(
        "gil/exercise.md#hand-it-over",
        "A safe point comes after every few instructions, so one with no request reads the flag and locks no \
         mutex.",
    );
    for steps in explored.passing(&None) {
        let mine = steps.iter().filter(|step| step.thread == "A");
        let locked = mine
            .filter(|step| matches!(step.op, Op::Lock { .. }))
            .count();
        assert!(
            locked < safe_points,
            "A passed {safe_points} safe points with no request, and locked a mutex {locked} times meanwhile."
        );
    }
}

fn only_one_thread_holds_the_lock() {
    explain(
        "gil/exercise.md#first-come-first-served",
        "A thread holds the lock from the start of its turn until it gives the lock up. What happens in your code between the check \
         and the change?",
    );
    let micros = interval();
    for setting in [HOSTILE, CLOCK] {
        judge(&play(&micros, &computing(3, 3), &vec![], &setting));
    }
    let script = [Act::Acquire, Act::Work(BURST), Act::Release].repeat(2);
    judge(&play(&micros, &vec![script; 3], &vec![], &HOSTILE));
}

fn a_given_up_lock_is_taken_at_once() {
    explain(
        "gil/exercise.md#first-come-first-served",
        "`release` wakes the thread that is next. `notify_one` may wake another one, and the right one sleeps until its timeout.",
    );
    let micros = interval();
    for waiters in [1, 3] {
        let mut scripts = vec![vec![Act::Acquire, Act::Work(BURST), Act::Release]];
        for waiter in 1..=waiters {
            scripts.push(vec![
                Act::Until(10 * waiter),
                Act::Acquire,
                Act::Work(BURST / 4),
                Act::Release,
            ]);
        }
        // In whatever order: no moment is lost.
        let end = Rule::EndsAt(BURST + waiters * (BURST / 4));
        judge(&play(&micros, &scripts, &vec![end], &CLOCK));
    }
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

fn the_holder_keeps_the_lock_for_an_interval() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A waiting thread requests the lock only when it has waited for a whole interval. Until then safe points do nothing.",
    );
    for micros in [interval(), 7 * BURST + BURST / 2] {
        let not_before = Rule::Gets(1, 0, micros, u64::MAX);
        judge(&play(&micros, &computing(2, 12), &vec![not_before], &CLOCK));
    }
    // However long the holder has had the lock when somebody begins to wait.
    let micros = interval();
    let arrival = 2 * micros + 10;
    let mut scripts = computing(2, 20);
    scripts[1][0] = Act::Until(arrival);
    let not_before = Rule::Gets(1, 0, arrival + micros, u64::MAX);
    judge(&play(&micros, &scripts, &vec![not_before], &CLOCK));
    // To the microsecond.
    for (micros, burst) in other_intervals() {
        let not_before = Rule::Gets(1, 0, micros, u64::MAX);
        judge(&play(
            &micros,
            &two_compute(burst),
            &vec![not_before],
            &CLOCK,
        ));
    }
}

fn the_lock_changes_hands_at_the_next_safe_point() {
    explain(
        "gil/exercise.md#hand-it-over",
        "After an interval of waiting the lock is requested, and the holder passes it on at its next safe point, however late that \
         is.",
    );
    let micros = interval();
    let arrival = 10;
    let due = Rule::Gets(1, 0, micros, micros + arrival + BURST);
    judge(&play(&micros, &computing(2, 12), &vec![due], &CLOCK));
    // However long the holder has had the lock when somebody begins to wait.
    let late = 2 * micros + arrival;
    let mut scripts = computing(2, 20);
    scripts[1][0] = Act::Until(late);
    let due = Rule::Gets(1, 0, late + micros, late + micros + BURST);
    judge(&play(&micros, &scripts, &vec![due], &CLOCK));
    for (micros, burst) in other_intervals() {
        let due = Rule::Gets(1, 0, micros, micros + arrival + burst);
        judge(&play(&micros, &two_compute(burst), &vec![due], &CLOCK));
    }
    // One long computation in between, as a call of C code.
    let long = 3 * micros;
    let scripts = vec![
        vec![
            Act::Acquire,
            Act::Work(long),
            Act::SafePoint,
            Act::Compute(3, BURST),
            Act::Release,
        ],
        vec![
            Act::Until(arrival),
            Act::Acquire,
            Act::Work(BURST),
            Act::Release,
        ],
    ];
    let rules = vec![
        Rule::Gets(1, 0, long, long),
        Rule::Gets(0, 1, long + BURST, long + BURST),
    ];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn a_safe_point_tells_whether_the_lock_changed_hands() {
    explain(
        "gil/exercise.md#hand-it-over",
        "The hand-off is forced: at a safe point that finds a request, another thread gets the lock before this one gets it again, \
         and `safe_point` returns `true`. Otherwise it returns `false`.",
    );
    let micros = interval();
    for threads in [2, 3] {
        for setting in [CLOCK, HOSTILE] {
            judge(&play(
                &micros,
                &computing(threads, 8),
                &vec![Rule::TellsTheTruth],
                &setting,
            ));
        }
    }
}

fn a_request_is_meant_for_one_holder() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A request is meant for one holder. `release` clears it, however the lock is given up; and after a timeout, a waiting thread \
         requests the lock only if the holder is still the same.",
    );
    let micros = interval();
    // Given up at a safe point, and the next holder is alone in the end.
    let late = micros + BURST;
    let scripts = vec![
        vec![Act::Acquire, Act::Work(late), Act::SafePoint, Act::Release],
        vec![
            Act::Until(10),
            Act::Acquire,
            Act::Compute(2, BURST / 5),
            Act::Release,
        ],
    ];
    let soon = Rule::Gets(0, 1, late + 2 * (BURST / 5), late + 2 * (BURST / 5));
    judge(&play(&micros, &scripts, &vec![soon], &CLOCK));
    // Given up by dropping the guard: requested before that, or at that moment, and no safe point reached.
    for released in [micros + BURST / 5, micros + 10] {
        let holder = vec![Act::Acquire, Act::Work(released), Act::Release];
        let alone = vec![
            Act::Until(10),
            Act::Acquire,
            Act::Compute(4, BURST),
            Act::Release,
        ];
        let rules = vec![Rule::Keeps, Rule::EndsAt(released + 4 * BURST)];
        judge(&play(&micros, &vec![holder, alone], &rules, &CLOCK));
    }
}

fn every_holder_has_an_interval_of_its_own() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "When the lock changes hands, the waiting threads start counting again: the new holder has an interval too.",
    );
    let micros = interval();
    for threads in [2, 3, 5] {
        judge(&play(
            &micros,
            &computing(threads, 12),
            &vec![Rule::SlicesOf(micros)],
            &CLOCK,
        ));
    }
    let rules = vec![Rule::SlicesOf(micros), Rule::TellsTheTruth];
    judge(&play(
        &micros,
        &requested_and_dropped(micros),
        &rules,
        &CLOCK,
    ));
}

fn the_thread_that_waits_longest_is_next() {
    explain(
        "gil/exercise.md#first-come-first-served",
        "First come, first served: the lock goes to the thread that has waited longest, and a thread that passed it on waits behind \
         all others.",
    );
    let micros = interval();
    let judge = |explored: &Explored<Option<String>>| {
        if cast::misses_a_switch(explored) {
            explain(
                "gil/exercise.md#ask-after-an-interval",
                "The order is right, but from some point on nobody requests the lock. Before each wait, note again who holds it: \
                 the holder has changed since the last wait.",
            );
        }
        judge(explored);
    };
    // Arrivals in another order than the threads', while A holds the lock.
    let waiters = vec![4, 1, 3, 2];
    let mut scripts = vec![vec![Act::Acquire, Act::Work(BURST), Act::Release]];
    scripts.extend((1..=4).map(|thread| {
        let place = waiters
            .iter()
            .position(|waiter| *waiter == thread)
            .unwrap_or(0);
        vec![
            Act::Until(10 + 10 * place as u64),
            Act::Acquire,
            Act::Work(BURST / 4),
            Act::Release,
        ]
    }));
    let order: Vec<usize> = std::iter::once(0).chain(waiters).collect();
    judge(&play(&micros, &scripts, &vec![Rule::Order(order)], &CLOCK));
    // In turn, at safe points.
    let order = [0, 1, 2].repeat(3);
    let bursts = 3 * (u32::try_from(micros / BURST).unwrap_or(0) + 1);
    judge(&play(
        &micros,
        &computing(3, bursts),
        &vec![Rule::Order(order)],
        &CLOCK,
    ));
    // Those who have requested the lock when A drops the guard and doesn't come back.
    let mut scripts = computing(3, 12);
    scripts[0] = vec![Act::Acquire, Act::Work(micros + BURST), Act::Release];
    judge(&play(
        &micros,
        &scripts,
        &vec![Rule::Order(vec![0, 1, 2, 1])],
        &CLOCK,
    ));
    // Several of them, one after the other: the last one has requested the lock from each.
    let mut scripts = vec![scripts[0].clone(); 4];
    scripts.extend(computing(6, 12).split_off(4));
    for (arrival, script) in (0..).zip(&mut scripts) {
        script.insert(0, Act::Until(10 * arrival));
    }
    let order = vec![0, 1, 2, 3, 4, 5, 4];
    judge(&play(&micros, &scripts, &vec![Rule::Order(order)], &CLOCK));
    // One that comes at the moment of the hand-off.
    let mut scripts = computing(3, 12);
    let switch = (micros / BURST + 1) * BURST;
    scripts.push(vec![
        Act::Until(switch),
        Act::Acquire,
        Act::Work(1),
        Act::Release,
    ]);
    judge(&play(
        &micros,
        &scripts,
        &vec![Rule::Order(vec![0, 1, 2])],
        &CLOCK,
    ));
}

fn nobody_starves() {
    explain(
        "gil/exercise.md#first-come-first-served",
        "With N threads that compute, each waits for at most N − 1 others, and for each of them an interval and the time to its next \
         safe point.",
    );
    let micros = interval();
    for threads in [2, 3, 5] {
        let most = (threads - 1) * (micros + BURST);
        judge(&play(
            &micros,
            &computing(threads, 14),
            &vec![Rule::WaitsUpTo(most)],
            &CLOCK,
        ));
    }
    // One that comes and goes all the time gets nothing that is due to others.
    let mut scripts = computing(3, 14);
    scripts.push([Act::Acquire, Act::Work(BURST), Act::Release].repeat(12));
    let most = 3 * (micros + BURST);
    judge(&play(
        &micros,
        &scripts,
        &vec![Rule::WaitsUpTo(most)],
        &CLOCK,
    ));
    // A newcomer in the middle of the interval changes nothing.
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A thread that has waited for an interval requests the lock, even if a newcomer got in line meanwhile, or gets in line after that.",
    );
    for moment in [micros / 2, micros + BURST / 4] {
        let due = Rule::Gets(1, 0, micros, micros + 10 + BURST);
        judge(&play(&micros, &a_newcomer(moment), &vec![due], &CLOCK));
    }
}

fn a_spurious_wake_up_gives_nothing() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A wait may end with no notification and before its time. So look again after every wait: `while`, not `if`; and ask \
         whether it really timed out.",
    );
    let micros = interval();
    for spurious in [1, 4] {
        let setting = Setting { spurious, ..CLOCK };
        let rules = vec![Rule::SlicesOf(micros), Rule::TellsTheTruth];
        judge(&play(&micros, &computing(3, 8), &rules, &setting));
    }
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "A spurious wake-up puts a request off by no more than an interval: sleep for the rest of it or for a whole one, and then request the \
         lock.",
    );
    for spurious in [1, 4] {
        let setting = Setting {
            spurious,
            schedules: 8,
            ..CLOCK
        };
        let due = Rule::Gets(1, 0, micros, micros + 10 + BURST);
        judge(&play(&micros, &computing(2, 12), &vec![due], &setting));
    }
}

fn a_late_timeout_requests_nothing() {
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "The lock changed hands at the very moment at which a waiting thread timed out. The new holder has an interval of its own.",
    );
    let micros = interval();
    let waits = vec![
        Act::Until(10),
        Act::Acquire,
        Act::Compute(12, BURST),
        Act::Release,
    ];
    let drops = vec![Act::Acquire, Act::Work(micros + 10), Act::Release];
    let scripts = vec![drops, waits.clone(), waits];
    let rules = vec![Rule::SlicesOf(micros), Rule::TellsTheTruth];
    judge(&play(&micros, &scripts, &rules, &CLOCK));
    explain(
        "gil/exercise.md#ask-after-an-interval",
        "The lock changed hands because its holder dropped the guard. Whoever still waits counts anew, and for no longer than an interval: \
         from the change of hands, or from the end of the interval that it had begun.",
    );
    let (scripts, rules) = dropped_early(micros);
    judge(&play(&micros, &scripts, &rules, &CLOCK));
}

fn a_panic_gives_the_lock_up() {
    explain(
        "gil/exercise.md#step-2-switching",
        "A thread that panics drops its guard while it unwinds. The next one gets the lock as if nothing had happened.",
    );
    let micros = interval();
    let panics = vec![Act::Acquire, Act::Compute(2, BURST), Act::Panic];
    let waits = vec![
        Act::Until(10),
        Act::Acquire,
        Act::Compute(3, BURST),
        Act::Release,
    ];
    let rules = vec![
        Rule::Gets(1, 0, 2 * BURST, 2 * BURST),
        Rule::EndsAt(5 * BURST),
    ];
    let explored = play(
        &micros,
        &vec![panics.clone(), waits.clone()],
        &rules,
        &CLOCK,
    );
    expect_an_end(&explored);
    explored.expect_no_complaint();
    let scripts = vec![panics.clone(), panics, waits.clone()];
    let explored = play(&micros, &scripts, &vec![], &HOSTILE);
    expect_an_end(&explored);
    explored.expect_no_complaint();
    // The lock was requested before the panic: that was meant for the thread that panics.
    let end = micros + BURST / 5;
    let panics = vec![Act::Acquire, Act::Work(end), Act::Panic];
    let rules = vec![Rule::Keeps, Rule::EndsAt(end + 3 * BURST)];
    let explored = play(&micros, &vec![panics, waits], &rules, &CLOCK);
    expect_an_end(&explored);
    explored.expect_no_complaint();
}

fn two_locks_have_nothing_to_do_with_each_other() {
    explain(
        "gil/exercise.md#step-2-switching",
        "Each `Gil` is a lock of its own, as each interpreter has one: keep its state in its fields.",
    );
    // After 10 ms, only the interval of 5 ms is over.
    for (held, waits) in [(0, false), (1, false), (0, true), (1, true)] {
        let explored = two_locks(&held, &waits);
        expect_an_end(&explored);
        explored.expect_always(&(waits && held == 0));
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
        schedules: 4,
        ..CLOCK
    };
    judge(&play(&interval(), &scripts, &rules, &setting));
    let threads = random().u64(20..30);
    let (sum, _) = in_a_plain_run(&200, &threads, &500);
    assert_eq!(
        sum,
        threads * 500,
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
