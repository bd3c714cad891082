//! Step 4: `x += 1` is four instructions, and a switch falls between two of them.

use crate::plan;
use crate::switching::expect_an_end;
use crate::{Executed, Instruction, Learner, Program, Report, Settings};
use checks::leftovers::{self, Leftovers};
use checks::{Explored, explain, explore_schedules, random};
use os_core::model::{self, Time};
use os_core::time::Duration;
use std::fmt::Write;

checks::subject! {
    for Learner;

    fn increment(learner, variables: Vec<usize>) -> Vec<Vec<Instruction>> {
        variables.into_iter().map(|x| (learner.increment)(x)).collect()
    }

    /// Several runs in one process, on threads of the kernel.
    fn run(learner, runs: Vec<(Vec<Program>, Settings)>) -> Vec<(Report, Leftovers)> {
        runs.iter()
            .map(|(programs, settings)| leftovers::watch(|| (learner.run)(programs, *settings)))
            .collect()
    }

    /// With a virtual clock, under many schedules. Threads are numbered in the order in which they first executed something.
    fn run_with_a_clock(learner, programs: Vec<Program>, settings: Settings) -> Explored<Report> as run {
        explore_schedules(24, move || {
            model::set_time(Time::Virtual);
            let mut report = (learner.run)(&programs, settings);
            let mut seen: Vec<usize> = Vec::new();
            for executed in &mut report.trace {
                let thread = executed.thread;
                if !seen.contains(&thread) {
                    seen.push(thread);
                }
                executed.thread = seen.iter().position(|other| *other == thread).unwrap_or(0);
            }
            report
        })
    }

    /// With a virtual clock, under few schedules: they make no difference.
    fn run_by_a_plan(learner, programs: Vec<Program>, settings: Settings) -> Explored<Report> as run {
        explore_schedules(6, move || {
            model::set_time(Time::Virtual);
            (learner.run)(&programs, settings)
        })
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    x_plus_one_is_four_instructions,
    one_thread_computes,
    numbers_have_64_bits_and_wrap_around,
    every_thread_has_a_stack_of_its_own,
    every_instruction_is_traced_when_it_is_done,
    every_instruction_runs_under_the_lock,
    the_lock_is_given_up_in_a_wait,
    a_switch_between_two_instructions_loses_updates,
    a_bare_loop_loses_nothing_since_3_10,
    a_call_between_load_and_store_loses_updates,
    the_loop_runs_as_often_as_it_says,
    on_threads_of_the_kernel,
    programs_of_all_kinds_run_as_specified,
    nothing_is_left_behind,
];

const MS: Duration = Duration::from_millis(1);

fn plus_one(x: usize) -> Vec<Instruction> {
    vec![
        Instruction::Load(x),
        Instruction::Const(1),
        Instruction::Add,
        Instruction::Store(x),
    ]
}

/// `x = f(x) + 1`.
fn plus_one_of_call(x: usize) -> Vec<Instruction> {
    let mut body = plus_one(x);
    body.insert(1, Instruction::Call);
    body
}

/// An interval of some milliseconds and a half, and instructions of a millisecond: a timeout and the end of an instruction
/// never fall together.
fn settings(interval: u32, everywhere: bool) -> Settings {
    Settings {
        interval: interval * MS + MS / 2,
        cost: MS,
        everywhere,
        variables: 2,
    }
}

/// Who held the lock when, and what was executed: a line for each slice.
fn schedule(report: &Report) -> String {
    let mut text = String::new();
    for slice in report.trace.chunk_by(|one, next| one.thread == next.thread) {
        let done: Vec<String> = slice
            .iter()
            .map(|executed| format!("{:?}", executed.instruction))
            .collect();
        let _ = writeln!(
            text,
            "    thread {} up to {:?}: {}",
            slice[0].thread,
            slice[slice.len() - 1].at,
            done.join(", ")
        );
    }
    if !report.variables.is_empty() {
        let _ = writeln!(text, "    variables: {:?}", report.variables);
    }
    text
}

/// Compares the schedules, first in words.
fn check(explored: &Explored<Report>, programs: &[Program], settings: Settings) -> Report {
    if explored.deadlocks() || explored.is_endless() {
        explain(
            "gil/exercise.md#the-loop-of-an-interpreter",
            "Threads wait for a lock that nobody gives up any more. Does every thread have one guard, which it drops when it ends? And \
             does it let go of the trace before it comes to a safe point?",
        );
    }
    expect_an_end(explored);
    let expected = plan::of_equal_programs(programs, settings);
    if let Some(other) = explored.find(|report| *report != expected) {
        let threads = match programs.len() {
            1 => "One thread runs".into(),
            threads => format!("{threads} threads run"),
        };
        let (body, times) = (&programs[0].body, programs[0].times);
        let safe_points = match settings.everywhere {
            true => "SafePoints::EveryInstruction",
            false => "SafePoints::CallsAndJumps",
        };
        explain_difference(other, &expected);
        panic!(
            "{threads} {body:?} {times} times, with an interval of {:?} and `{safe_points}`. {}",
            settings.interval,
            difference(other, &expected)
        );
    }
    expected
}

/// Explains a first difference whose cause can be told from the two traces. Any other one is explained already.
fn explain_difference(yours: &Report, expected: &Report) {
    let mut pairs = yours.trace.iter().zip(&expected.trace);
    let Some(place) = pairs.position(|(one, other)| one != other) else {
        return;
    };
    let (one, other) = (yours.trace[place], expected.trace[place]);
    let holder = place.checked_sub(1).map(|last| yours.trace[last].thread);
    if one.instruction == other.instruction && one.thread == other.thread {
        explain(
            "gil/exercise.md#a-trace-by-the-machines-clock",
            "The instruction is right, but its time isn't. Every instruction but `Wait`, even a `Call`, first takes its cost, once, with the \
             `thread::sleep` of `os`. It is traced when it is done and before a safe point, and `at` is `self.start.elapsed()`.",
        );
    } else if yours.trace.iter().all(|executed| executed.thread == 0) {
        explain(
            "gil/exercise.md#a-trace-by-the-machines-clock",
            "`thread` says who executed the instruction: it is the number that `execute` was called with.",
        );
    } else if holder == Some(one.thread) && one.thread != other.thread {
        explain(
            "gil/exercise.md#the-loop-of-an-interpreter",
            "The lock was requested, and the thread kept it: a safe point is missing. `EveryInstruction` has one after each \
             instruction, `CallsAndJumps` after a `Call` and after the last instruction of the body.",
        );
    } else if holder == Some(other.thread) && one.thread != other.thread && one.at > other.at {
        explain(
            "gil/exercise.md#the-loop-of-an-interpreter",
            "An instruction was done and isn't in the trace: the thread passed the lock on before it had traced it. Trace first, then \
             call `safe_point`.",
        );
    }
}

/// The first thing in which two reports differ, in words.
fn difference(yours: &Report, expected: &Report) -> String {
    let say = |executed: Option<&Executed>| match executed {
        Some(Executed {
            thread,
            at,
            instruction,
        }) => {
            // Always in milliseconds: a real time among virtual ones is told by its digits, not by its unit.
            let ms = at.as_nanos() as f64 / 1e6;
            format!("{instruction:?} on thread {thread}, done at {ms} ms")
        }
        None => "nothing".into(),
    };
    let before = |place: usize| match place.min(yours.trace.len()) {
        0 => String::new(),
        known => format!(
            "\nUp to there:\n{}",
            schedule(&Report {
                trace: yours.trace[..known].to_vec(),
                variables: Vec::new()
            })
            .trim_end()
        ),
    };
    let count = yours.trace.len().max(expected.trace.len());
    match (0..count).find(|place| yours.trace.get(*place) != expected.trace.get(*place)) {
        Some(place) => format!(
            "Place {} of the trace:\n    yours:    {}\n    expected: {}{}",
            place + 1,
            say(yours.trace.get(place)),
            say(expected.trace.get(place)),
            before(place)
        ),
        None => format!(
            "The trace is as expected, but the variables:\n    yours:    {:?}\n    expected: {:?}",
            yours.variables, expected.variables
        ),
    }
}

fn x_plus_one_is_four_instructions() {
    explain(
        "gil/exercise.md#x--1-in-four-instructions",
        "`x += 1` reads `x`, adds, and writes `x`: push the variable, push 1, add, store.",
    );
    let variables = vec![0, random().usize(1..1000), 7];
    let expected: Vec<_> = variables.iter().map(|x| plus_one(*x)).collect();
    assert_eq!(
        increment(&variables),
        expected,
        "the instructions of `x += 1`, for the variables {variables:?}"
    );
}

fn alone(body: Vec<Instruction>, times: u64, variables: usize) -> Vec<i64> {
    let settings = Settings {
        interval: MS,
        cost: Duration::ZERO,
        everywhere: true,
        variables,
    };
    let runs = vec![(vec![Program { body, times }], settings); 2];
    let mut reports = run(&runs);
    assert_eq!(
        reports[0].0.variables, reports[1].0.variables,
        "the variables after two equal runs, one after the other"
    );
    reports.remove(0).0.variables
}

fn one_thread_computes() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "Each instruction pops what it needs, and pushes its result: no more and no less.",
    );
    let mut random = random();
    let (a, b) = (random.i64(-1000..0), random.i64(1..1000));
    use Instruction as I;
    let body = vec![
        I::Const(a),
        I::Store(0),
        I::Const(b),
        I::Call,
        I::Load(0),
        I::Add,
        I::Store(1),
        I::Load(1),
        I::Load(1),
        I::Add,
        I::Store(2),
    ];
    let variables = alone(body.clone(), 1, 3);
    if variables == [0, 0, 0] {
        explain(
            "gil/exercise.md#the-loop-of-an-interpreter",
            "Nothing was stored. The loop runs the body `times` times: here once.",
        );
    }
    assert_eq!(
        variables,
        [a, a + b, 2 * (a + b)],
        "the variables after {body:?}"
    );
    // What an instruction doesn't need stays, and what it pops is gone.
    let body = vec![
        I::Const(b),
        I::Const(a),
        I::Const(7),
        I::Add,
        I::Add,
        I::Store(0),
        I::Const(1),
        I::Const(2),
        I::Store(1),
        I::Store(2),
    ];
    assert_eq!(
        alone(body.clone(), 1, 3),
        [a + b + 7, 2, 1],
        "the variables after {body:?}"
    );
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "The loop runs the body `times` times, no more and no less.",
    );
    let times = random.u64(300..400);
    assert_eq!(
        alone(plus_one(1), times, 2),
        [0, times as i64],
        "the variables after {times} times `x1 += 1`"
    );
}

fn numbers_have_64_bits_and_wrap_around() {
    use Instruction as I;
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "Numbers are `i64`, and `Add` wraps around: `wrapping_add`.",
    );
    let add = |a, b| vec![I::Const(a), I::Const(b), I::Add, I::Store(0)];
    assert_eq!(alone(add(1 << 40, 1), 1, 1), [(1 << 40) + 1], "2^40 + 1");
    assert_eq!(
        alone(add(i64::MAX, 1), 1, 1),
        [i64::MIN],
        "the largest number + 1"
    );
    assert_eq!(
        alone(add(i64::MIN, -1), 1, 1),
        [i64::MAX],
        "the smallest number - 1"
    );
}

fn every_instruction_is_traced_when_it_is_done() {
    explain(
        "gil/exercise.md#a-trace-by-the-machines-clock",
        "An instruction takes its cost and is then traced, with `self.start.elapsed()`: the clock of `os::time`, which the test can \
         set.",
    );
    let programs = vec![Program {
        body: plus_one(0),
        times: 2,
    }];
    for everywhere in [true, false] {
        let settings = settings(3, everywhere);
        check(&run_with_a_clock(&programs, &settings), &programs, settings);
    }
}

fn every_instruction_runs_under_the_lock() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "A thread holds the lock from the beginning of an instruction to its end, so no two instructions run at the same time, and \
         nobody gets between two of them without a safe point.",
    );
    // 3 ends with an increment, whatever the safe points: a switch at each jump.
    let intervals = [4, 2, 5, 6, 8, 3];
    let programs = vec![
        Program {
            body: plus_one(0),
            times: 3
        };
        3
    ];
    for (everywhere, interval) in [true, false]
        .into_iter()
        .flat_map(|everywhere| intervals.map(|interval| (everywhere, interval)))
    {
        let settings = settings(interval, everywhere);
        let explored = run_with_a_clock(&programs, &settings);
        check(&explored, &programs, settings);
    }
    // A body that goes on after a `Store`: that is neither a call nor a jump.
    let programs = vec![
        Program {
            body: [plus_one(0), plus_one(1)].concat(),
            times: 2
        };
        2
    ];
    for everywhere in [true, false] {
        let settings = settings(2, everywhere);
        let explored = run_with_a_clock(&programs, &settings);
        check(&explored, &programs, settings);
    }
}

fn the_lock_is_given_up_in_a_wait() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "A `Wait` is I/O: inside `allow_threads`, all threads wait at the same time, and others compute meanwhile. It has no other \
         cost.",
    );
    let settings = settings(3, false);
    let wait = Instruction::Wait(20 * MS);
    let programs = vec![
        Program {
            body: vec![wait],
            times: 2
        };
        4
    ];
    let executed = |thread, at| Executed {
        thread,
        at: at * MS,
        instruction: wait,
    };
    let explored = run_with_a_clock(&programs, &settings);
    let trace = |report: &Report| -> Vec<Duration> {
        report.trace.iter().map(|executed| executed.at).collect()
    };
    let due: Vec<Duration> = [20, 40]
        .iter()
        .flat_map(|at| vec![executed(0, *at).at; 4])
        .collect();
    expect_an_end(&explored);
    let complaint = explored.find(|report| trace(report) != due);
    assert!(
        complaint.is_none(),
        "Four threads wait twice for 20 ms each. They were done at {:?}, and not at {due:?}.",
        complaint.map(trace).unwrap_or_default()
    );
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "A `Wait` gives the lock up, however short it is, and is done when the thread has the lock back. Only then is it traced. A wait for no \
         time at all takes none.",
    );
    use Instruction as I;
    let [push, wait, store] = [I::Const(1), I::Wait(Duration::ZERO), I::Store(0)];
    let programs = vec![
        Program {
            body: vec![push, wait, store, wait],
            times: 1
        };
        2
    ];
    let explored = run_with_a_clock(&programs, &self::settings(50, false));
    expect_an_end(&explored);
    let done = |thread, at: u32, instruction| Executed {
        thread,
        at: at * MS,
        instruction,
    };
    let expected = Report {
        variables: vec![1, 0],
        trace: vec![
            done(0, 1, push),
            done(1, 2, push),
            done(0, 2, wait),
            done(0, 3, store),
            done(1, 3, wait),
            done(1, 4, store),
            // The lock is free, so that nothing but the wait itself could take time.
            done(0, 4, wait),
            done(1, 4, wait),
        ],
    };
    if let Some(other) = explored.find(|report| *report != expected) {
        panic!(
            "Two threads push a number, wait for no time at all, store the number, and wait again. {}",
            difference(other, &expected)
        );
    }
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "A `Wait` gives the lock up by itself and begins at once, even if the lock is requested: a safe point before it would delay it.",
    );
    let [push, wait, store] = [I::Const(1), I::Wait(7 * MS + MS / 4), I::Store(0)];
    let programs = vec![
        Program {
            body: vec![push, store, push, store, push, wait, store],
            times: 1
        };
        2
    ];
    let explored = run_with_a_clock(&programs, &settings);
    expect_an_end(&explored);
    let first = |thread, begin: u32| {
        [push, store, push, store, push]
            .into_iter()
            .zip(1..)
            .map(move |(instruction, at)| done(thread, begin + at, instruction))
    };
    let last = |thread, begin: u32| {
        let at = begin * MS + MS / 4;
        [(wait, at), (store, at + MS)].map(|(instruction, at)| Executed {
            thread,
            at,
            instruction,
        })
    };
    let mut trace: Vec<Executed> = first(0, 0).chain(first(1, 5)).collect();
    trace.extend(last(0, 12));
    trace.extend(last(1, 17));
    let expected = Report {
        variables: vec![1, 0],
        trace,
    };
    if let Some(other) = explored.find(|report| *report != expected) {
        panic!(
            "Two threads compute for 5 ms and wait for 7.25 ms, with an interval of {:?} and `SafePoints::CallsAndJumps`. {}",
            settings.interval,
            difference(other, &expected)
        );
    }
}

fn every_thread_has_a_stack_of_its_own() {
    use Instruction as I;
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "Threads share the variables. The stack is the thread's own.",
    );
    // What lies on the stack while others run is still there afterwards.
    let program = |x, n| Program {
        body: vec![
            I::Const(n),
            I::Wait(MS),
            I::Const(n),
            I::Wait(MS),
            I::Add,
            I::Store(x),
        ],
        times: 1,
    };
    let programs = vec![program(0, 100), program(1, 7)];
    let explored = run_with_a_clock(&programs, &settings(3, true));
    expect_an_end(&explored);
    let wrong = explored.find(|report| report.variables != [200, 14]);
    assert!(
        wrong.is_none(),
        "Two threads stored 100 + 100 and 7 + 7, and the variables were {:?}.",
        wrong
            .map(|report| report.variables.clone())
            .unwrap_or_default()
    );
}

fn a_switch_between_two_instructions_loses_updates() {
    explain(
        "gil/exercise.md#where-an-update-is-lost",
        "With a safe point after every instruction, a switch falls between `Load` and `Store`: both threads store what they computed from \
         the same value.",
    );
    let programs = vec![
        Program {
            body: plus_one(0),
            times: 5
        };
        2
    ];
    let settings = settings(4, true);
    let report = check(&run_with_a_clock(&programs, &settings), &programs, settings);
    checks::snapshot!("gil", "machine__every_instruction", schedule(&report));
}

fn a_bare_loop_loses_nothing_since_3_10() {
    explain(
        "gil/exercise.md#where-an-update-is-lost",
        "With safe points at calls and jumps only, no switch falls between `Load` and `Store` of a bare `x += 1`.",
    );
    let times = random().u64(3..8);
    let programs = vec![
        Program {
            body: plus_one(0),
            times
        };
        3
    ];
    let settings = settings(random().u32(2..6), false);
    let report = check(&run_with_a_clock(&programs, &settings), &programs, settings);
    assert_eq!(
        report.variables,
        [3 * times as i64, 0],
        "the judge's own run loses nothing"
    );
}

fn a_call_between_load_and_store_loses_updates() {
    explain(
        "gil/exercise.md#where-an-update-is-lost",
        "A call is a safe point. In `x = f(x) + 1` it lies between `Load` and `Store`, and updates are lost again.",
    );
    let programs = vec![
        Program {
            body: plus_one_of_call(0),
            times: 4
        };
        2
    ];
    let settings = settings(6, false);
    let report = check(&run_with_a_clock(&programs, &settings), &programs, settings);
    checks::snapshot!("gil", "machine__calls_and_jumps", schedule(&report));
}

fn the_loop_runs_as_often_as_it_says() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "The loop runs `times` times: perhaps never, and its body may be empty.",
    );
    let settings = settings(2, true);
    let programs = |body: Vec<Instruction>, times| Program { body, times };
    let runs = vec![
        (vec![], settings),
        (vec![programs(plus_one(0), 0)], settings),
        (vec![programs(vec![], 3); 3], settings),
        (
            vec![programs(plus_one(1), 1)],
            Settings {
                cost: Duration::ZERO,
                ..settings
            },
        ),
    ];
    let reports = run(&runs);
    for (report, _) in &reports[..3] {
        assert_eq!(
            report.variables,
            [0, 0],
            "the variables when nothing is executed"
        );
        assert!(
            report.trace.is_empty(),
            "Nothing is executed, and the trace is {:?}.",
            report.trace
        );
    }
    assert_eq!(
        reports[3].0.variables,
        [0, 1],
        "the variables after one pass"
    );
}

fn on_threads_of_the_kernel() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "On real threads it is the same: bare increments lose nothing with safe points at calls and jumps, and each thread executes \
         its program in order.",
    );
    let settings = Settings {
        interval: Duration::from_micros(100),
        cost: Duration::from_micros(10),
        everywhere: false,
        variables: 5,
    };
    // All add to the first variable, and each to one of its own.
    let programs: Vec<Program> = (0..4)
        .map(|thread| Program {
            body: [plus_one(0), plus_one(thread + 1)].concat(),
            times: 18 + thread as u64,
        })
        .collect();
    let (report, _) = run(&vec![(programs.clone(), settings)]).remove(0);
    assert_eq!(
        report.variables,
        [78, 18, 19, 20, 21],
        "four threads count together, and each on its own to 18, 19, 20, 21"
    );
    for (thread, program) in programs.iter().enumerate() {
        let mine = report
            .trace
            .iter()
            .filter(|executed| executed.thread == thread);
        let mine: Vec<Instruction> = mine.map(|executed| executed.instruction).collect();
        assert_eq!(
            mine,
            program.body.repeat(program.times as usize),
            "what thread {thread} executed"
        );
    }
    let in_order = report.trace.is_sorted_by_key(|executed| executed.at);
    assert!(
        in_order,
        "The trace isn't in the order in which instructions were done."
    );
}

fn programs_of_all_kinds_run_as_specified() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "These programs were drawn at random. Each thread runs its own, and is in the trace under the number of its program; `settings` has \
         the cost of an instruction, and `Wait` its own time.",
    );
    let mut random = random();
    for everywhere in [true, false, false, true, false, false] {
        let (programs, settings, expected) = plan::draw(&mut random, everywhere);
        let explored = run_by_a_plan(&programs, &settings);
        expect_an_end(&explored);
        if let Some(other) = explored.find(|report| *report != expected) {
            let all: String = programs
                .iter()
                .map(|program| format!("\n    {} times {:?}", program.times, program.body))
                .collect();
            panic!(
                "These programs ran, with {settings:?}:{all}\n{}",
                difference(other, &expected)
            );
        }
    }
}

fn nothing_is_left_behind() {
    explain(
        "gil/exercise.md#the-loop-of-an-interpreter",
        "When `run` returns, all its threads have ended.",
    );
    let programs = vec![
        Program {
            body: plus_one(0),
            times: 2
        };
        3
    ];
    let settings = Settings {
        cost: Duration::ZERO,
        ..settings(2, true)
    };
    let (_, left) = run(&vec![(programs, settings)]).remove(0);
    assert!(left.is_nothing(), "run left {left} behind.");
}
