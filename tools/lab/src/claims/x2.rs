//! X2: a crash in one thread can bring down the process.
//!
//! A program has a main flow and two workers. One worker crashes, in every way there is. How many of the other two go on,
//! if the workers are threads, and if they are processes?

use crate::chart::{Axis, Chart, Row, Scale, Section, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::crash::{self, Crash};
use crate::experiment::{Round, report};
use crate::sys::limit_lifetime;
use crate::{Language, Run, Unit, Verdict, need};
use os::memory::{Mapping, Ordering::SeqCst};
use os::process::fork;
use serde_json::json;
use std::io;
use std::sync::mpsc;
use std::thread;

const SURVIVORS: Unit = Unit::count("survivor", "survivors");

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "X2",
    sentence: "A crash in one thread can bring down the whole process.",
    metrics: &[
        Metric::both(
            "thread_exception",
            SURVIVORS,
            "a thread raises an exception or panics: others that go on",
        )
        .always(2.0),
        Metric::python(
            "thread_recursion",
            SURVIVORS,
            "… recurses too deep in Python",
        )
        .always(2.0),
        Metric::python("thread_sys_exit", SURVIVORS, "… calls sys.exit()").always(2.0),
        Metric::both(
            "thread_out_of_memory",
            SURVIVORS,
            "… asks for too much memory",
        ),
        Metric::both(
            "thread_exit",
            SURVIVORS,
            "… calls os._exit() or process::exit()",
        )
        .always(0.0),
        Metric::both("thread_abort", SURVIVORS, "… aborts").always(0.0),
        Metric::both("thread_sigsegv", SURVIVORS, "… reads unmapped memory").always(0.0),
        Metric::both("thread_stack_overflow", SURVIVORS, "… overflows its stack").always(0.0),
        Metric::both("thread_sigkill", SURVIVORS, "… sends SIGKILL to itself").always(0.0),
        Metric::both(
            "process_exception",
            SURVIVORS,
            "a process raises an exception or panics: others that go on",
        )
        .always(2.0),
        Metric::python(
            "process_recursion",
            SURVIVORS,
            "… recurses too deep in Python",
        )
        .always(2.0),
        Metric::python("process_sys_exit", SURVIVORS, "… calls sys.exit()").always(2.0),
        Metric::both(
            "process_out_of_memory",
            SURVIVORS,
            "… asks for too much memory",
        ),
        Metric::both(
            "process_exit",
            SURVIVORS,
            "… calls os._exit() or process::exit()",
        )
        .always(2.0),
        Metric::both("process_abort", SURVIVORS, "… aborts").always(2.0),
        Metric::both("process_sigsegv", SURVIVORS, "… reads unmapped memory").always(2.0),
        Metric::both("process_stack_overflow", SURVIVORS, "… overflows its stack").always(2.0),
        Metric::both("process_sigkill", SURVIVORS, "… sends SIGKILL to itself").always(2.0),
    ],
    rule: "A program has a main flow and two workers, and one worker crashes. \
        It holds if a thread's exit, abort, SIGSEGV, stack overflow or SIGKILL ends both of the others in every round, and a process's none. \
        But: if both others go on after a thread's exception or panic, it takes more than a bug to bring the process down. \
        It does not hold if somebody survives one of the five in the same process.",
    judge,
    chart: Chart {
        title: "Survivors among the two others",
        axis: Axis {
            scale: Scale::Linear,
            share_of: None,
        },
        sections: &[
            Section {
                title: "a thread crashes",
                rows: &[
                    Row {
                        label: "exception, panic",
                        series: &each("thread_exception"),
                    },
                    Row {
                        label: "RecursionError",
                        series: &python("thread_recursion"),
                    },
                    Row {
                        label: "sys.exit()",
                        series: &python("thread_sys_exit"),
                    },
                    Row {
                        label: "out of memory, at a limit",
                        series: &each("thread_out_of_memory"),
                    },
                    Row {
                        label: "os._exit(), process::exit()",
                        series: &each("thread_exit"),
                    },
                    Row {
                        label: "abort",
                        series: &each("thread_abort"),
                    },
                    Row {
                        label: "SIGSEGV",
                        series: &each("thread_sigsegv"),
                    },
                    Row {
                        label: "stack overflow",
                        series: &each("thread_stack_overflow"),
                    },
                    Row {
                        label: "SIGKILL",
                        series: &each("thread_sigkill"),
                    },
                ],
            },
            Section {
                title: "a process crashes",
                rows: &[
                    Row {
                        label: "exception, panic",
                        series: &each("process_exception"),
                    },
                    Row {
                        label: "RecursionError",
                        series: &python("process_recursion"),
                    },
                    Row {
                        label: "sys.exit()",
                        series: &python("process_sys_exit"),
                    },
                    Row {
                        label: "out of memory, at a limit",
                        series: &each("process_out_of_memory"),
                    },
                    Row {
                        label: "os._exit(), process::exit()",
                        series: &each("process_exit"),
                    },
                    Row {
                        label: "abort",
                        series: &each("process_abort"),
                    },
                    Row {
                        label: "SIGSEGV",
                        series: &each("process_sigsegv"),
                    },
                    Row {
                        label: "stack overflow",
                        series: &each("process_stack_overflow"),
                    },
                    Row {
                        label: "SIGKILL",
                        series: &each("process_sigkill"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 11, quick: 3 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let Some(others) = run.given("others") else {
        return Verdict::not_shown("the record does not say how many others there were");
    };
    let threads = [
        need!(run, "thread_exit"),
        need!(run, "thread_abort"),
        need!(run, "thread_sigsegv"),
        need!(run, "thread_stack_overflow"),
        need!(run, "thread_sigkill"),
    ];
    let processes = [
        need!(run, "process_exception"),
        need!(run, "process_exit"),
        need!(run, "process_abort"),
        need!(run, "process_sigsegv"),
        need!(run, "process_stack_overflow"),
        need!(run, "process_sigkill"),
    ];
    let exception = need!(run, "thread_exception");
    if let Some(one) = processes.iter().find(|one| one.min() < others) {
        let id = &one.id;
        return Verdict::not_shown(&format!(
            "{id} ended others too, so the experiment is wrong"
        ));
    }
    if let Some(one) = threads.iter().find(|one| one.max() > 0.0) {
        let why = format!("others went on after {}", one.id);
        return Verdict::does_not_hold(run, &why);
    }
    let (bug, more) = match run.runtime.language {
        Language::Python => ("an exception", "an exception, RecursionError or sys.exit()"),
        Language::Rust => ("a panic", "a panic"),
    };
    if exception.min() < others {
        return Verdict::holds(&format!(
            "every crash of a thread ended the process, {bug} included"
        ));
    }
    Verdict::holds_but(&format!(
        "{more} ends one thread; exit, abort, SIGSEGV, stack overflow and SIGKILL end all threads of the process, and no other process"
    ))
}

const KINDS: [(Crash, &str, &str); 7] = [
    (Crash::Panic, "thread_exception", "process_exception"),
    (
        Crash::OutOfMemory,
        "thread_out_of_memory",
        "process_out_of_memory",
    ),
    (Crash::Exit, "thread_exit", "process_exit"),
    (Crash::Abort, "thread_abort", "process_abort"),
    (Crash::Segfault, "thread_sigsegv", "process_sigsegv"),
    (
        Crash::StackOverflow,
        "thread_stack_overflow",
        "process_stack_overflow",
    ),
    (Crash::Kill, "thread_sigkill", "process_sigkill"),
];

fn experiment(rounds: usize) -> io::Result<()> {
    let given = json!({ "others": 2, "crashes": KINDS.len() });
    report(rounds, 0, &given, |_| {
        let mut round = Round::new();
        for (kind, in_thread, in_process) in KINDS {
            // Elsewhere the limit is not enforced.
            let possible = cfg!(target_os = "linux") || kind != Crash::OutOfMemory;
            let measured = possible
                .then(|| survivors(kind, a_thread_crashes))
                .transpose()?;
            round.insert(in_thread, measured);
            let measured = possible
                .then(|| survivors(kind, a_process_crashes))
                .transpose()?;
            round.insert(in_process, measured);
        }
        Ok(round)
    })
}

/// The words of the mapping: a flow that lives on writes to its own.
const MAIN: usize = 0;
const OTHER: usize = 1;
const ASKED: usize = 2;

/// Runs a program of three flows, and counts the ones besides the culprit that are alive afterwards.
fn survivors(kind: Crash, program: fn(Crash, &Mapping) -> io::Result<()>) -> io::Result<f64> {
    let lives = Mapping::shared(3)?;
    let child = fork(|| {
        crash::expect()?;
        program(kind, &lives)?;
        lives.word(MAIN).store(1, SeqCst);
        Ok(())
    })?;
    let _ = child.wait(); // an error where it crashed
    let alive = lives.word(MAIN).load(SeqCst) + lives.word(OTHER).load(SeqCst);
    Ok(alive as f64)
}

fn a_thread_crashes(kind: Crash, lives: &Mapping) -> io::Result<()> {
    let (ask, asked) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            if asked.recv().is_ok() {
                lives.word(OTHER).store(1, SeqCst);
            }
        });
        let _ = scope.spawn(move || kind.now()).join();
        let _ = ask.send(());
        other
            .join()
            .map_err(|_| io::Error::other("the other thread panicked"))
    })
}

fn a_process_crashes(kind: Crash, lives: &Mapping) -> io::Result<()> {
    let other = fork(|| {
        limit_lifetime();
        while lives.word(ASKED).load(SeqCst) == 0 {
            thread::yield_now();
        }
        lives.word(OTHER).store(1, SeqCst);
        Ok(())
    })?;
    let culprit = fork(|| {
        limit_lifetime();
        kind.now();
        Ok(())
    })?;
    let _ = culprit.wait();
    lives.word(ASKED).store(1, SeqCst);
    other.wait()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Runtime, sample};

    /// What a run measures in which `thread_exception` and `thread_sigsegv` leave so many others, and processes `process`.
    fn judged(runtime: Runtime, exception: f64, sigsegv: f64, process: f64) -> Verdict {
        let (exception, sigsegv, process) = ([exception], [sigsegv], [process]);
        let mut samples: Vec<(&str, &[f64])> = Vec::new();
        for (_, thread, other) in KINDS {
            let thread_leaves: &[f64] = match thread {
                "thread_exception" => &exception,
                "thread_sigsegv" => &sigsegv,
                _ => &[0.0],
            };
            samples.extend([(thread, thread_leaves), (other, &process[..])]);
        }
        sample::judged_in(runtime, &CLAIM, &[("others", 2)], &samples)
    }

    fn python() -> Runtime {
        Runtime::python("3.15.0", false, true)
    }

    #[test]
    fn an_exception_is_told_from_what_ends_all_threads() {
        assert_eq!(
            judged(python(), 2.0, 0.0, 2.0).text,
            "holds, but an exception, RecursionError or sys.exit() ends one thread; exit, abort, SIGSEGV, stack overflow and SIGKILL \
             end all threads of the process, and no other process"
        );
        assert_eq!(
            judged(Runtime::rust(), 2.0, 0.0, 2.0).outcome,
            Outcome::HoldsBut
        );
        assert_eq!(
            judged(Runtime::rust(), 0.0, 0.0, 2.0).outcome,
            Outcome::Holds
        );
    }

    #[test]
    fn a_survivor_of_a_sigsegv_contradicts_it() {
        assert_eq!(
            judged(python(), 2.0, 1.0, 2.0).text,
            "does not hold on Python 3.15.0 (GIL): others went on after thread_sigsegv"
        );
    }

    #[test]
    fn an_experiment_in_which_processes_fall_together_shows_nothing() {
        assert_eq!(judged(python(), 2.0, 0.0, 1.0).outcome, Outcome::NotShown);
        let empty = sample::judged(&CLAIM, &[("others", 2)], &[]);
        assert_eq!(empty.outcome, Outcome::NotShown);
    }
}
