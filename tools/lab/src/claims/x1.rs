//! X1: a crash in one process does not affect other processes.
//!
//! A worker of a pool, the holder of a lock and a parent are killed. What do the others lose? In Python the pools are those of
//! the standard library, in Rust one that has a socket for each worker.

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::format::count;
use crate::{Language, Run, Unit, Verdict, need};

mod experiment;
mod sockets;

const TASKS: Unit = Unit::count("task", "tasks");
const LOCKS: Unit = Unit::count("lock", "locks");
const RECORDS: Unit = Unit::count("record", "records");
const CALLS: Unit = Unit::count("call", "calls");
const ORPHANS: Unit = Unit::count("orphan", "orphans");

const fn rust(metric: &'static str) -> [Series; 1] {
    [Series(Runtimes::Named("rust"), metric)]
}

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "X1",
    sentence: "A crash in one process does not affect other processes.",
    metrics: &[
        Metric::both(
            "threads_exception",
            TASKS,
            "threads, a task raises or panics: tasks lost",
        )
        .always(0.0),
        Metric::python("threads_sys_exit", TASKS, "… calls sys.exit()").always(0.0),
        Metric::both(
            "threads_exit",
            TASKS,
            "… calls os._exit() or process::exit()",
        )
        .always(8.0),
        Metric::both("threads_sigsegv", TASKS, "… causes a SIGSEGV").always(8.0),
        Metric::both("threads_sigkill", TASKS, "… is killed with its process").always(8.0),
        Metric::python(
            "interpreters_exit",
            TASKS,
            "InterpreterPoolExecutor, a task calls os._exit(): tasks lost",
        ),
        Metric::python(
            "executor_exception",
            TASKS,
            "ProcessPoolExecutor, a task raises: tasks lost",
        )
        .always(0.0),
        Metric::python("executor_sys_exit", TASKS, "… calls sys.exit()").always(0.0),
        Metric::python("executor_exit", TASKS, "… calls os._exit()").always(8.0),
        Metric::python("executor_sigsegv", TASKS, "… causes a SIGSEGV").always(8.0),
        Metric::python("executor_sigkill", TASKS, "… its worker is killed (fork)").always(8.0),
        Metric::python("executor_sigkill_forkserver", TASKS, "… (forkserver)").always(8.0),
        Metric::python("executor_sigkill_spawn", TASKS, "… (spawn)").always(8.0),
        Metric::python(
            "executor_idle",
            TASKS,
            "… an idle worker is killed, then 10 tasks",
        )
        .always(10.0),
        Metric::python(
            "pool_exception",
            TASKS,
            "Pool.apply_async, a task raises: tasks lost",
        )
        .always(0.0),
        Metric::python("pool_sys_exit", TASKS, "… calls sys.exit()").always(1.0),
        Metric::python("pool_exit", TASKS, "… calls os._exit()").always(1.0),
        Metric::python("pool_sigsegv", TASKS, "… causes a SIGSEGV").always(1.0),
        Metric::python("pool_sigkill", TASKS, "… its worker is killed (fork)").always(1.0),
        Metric::python("pool_sigkill_forkserver", TASKS, "… (forkserver)").always(1.0),
        Metric::python("pool_sigkill_spawn", TASKS, "… (spawn)").always(1.0),
        Metric::python(
            "pool_map_sigkill",
            TASKS,
            "Pool.starmap, a worker is killed: tasks lost",
        )
        .always(10.0),
        Metric::python(
            "pool_idle_holder",
            TASKS,
            "Pool, the idle worker with the queue's lock is killed, then 10 tasks",
        ),
        Metric::python(
            "pool_idle_other",
            TASKS,
            "Pool, another idle worker is killed, then 10 tasks",
        ),
        Metric::rust(
            "sockets_exception",
            TASKS,
            "a socket for each worker, a task panics: tasks lost",
        )
        .always(0.0),
        Metric::rust("sockets_exit", TASKS, "… calls process::exit()").always(1.0),
        Metric::rust("sockets_sigsegv", TASKS, "… causes a SIGSEGV").always(1.0),
        Metric::rust("sockets_sigkill", TASKS, "… its worker is killed").always(1.0),
        Metric::rust(
            "sockets_idle",
            TASKS,
            "… an idle worker is killed, then 10 tasks",
        )
        .always(0.0),
        Metric::python(
            "terminate_hangs",
            CALLS,
            "calls of terminate() that hang, after the worker with the lock was killed",
        ),
        Metric::python(
            "event_set_hangs",
            CALLS,
            "calls of Event.set() that hang, after a waiter was killed",
        ),
        Metric::both(
            "lock_stays",
            LOCKS,
            "its holder is killed: locks in shared memory that stay locked",
        )
        .always(1.0),
        Metric::rust(
            "owned_lock_stays",
            LOCKS,
            "… with the owner's pid in the lock",
        )
        .always(0.0),
        Metric::both("flock_stays", LOCKS, "… locks of the kernel (flock)").always(0.0),
        Metric::both(
            "record_torn",
            RECORDS,
            "records in shared memory left half-written by a killed writer",
        )
        .always(1.0),
        Metric::python(
            "orphans_executor_fork",
            ORPHANS,
            "the parent is killed: workers of ProcessPoolExecutor that live on (fork)",
        ),
        Metric::python("orphans_executor_forkserver", ORPHANS, "… (forkserver)"),
        Metric::python("orphans_executor_spawn", ORPHANS, "… (spawn)"),
        Metric::python(
            "orphans_pool_fork",
            ORPHANS,
            "… idle workers of Pool (fork)",
        ),
        Metric::python("orphans_pool_forkserver", ORPHANS, "… (forkserver)"),
        Metric::python("orphans_pool_spawn", ORPHANS, "… (spawn)"),
        Metric::python("orphans_daemon", ORPHANS, "… daemonic Processes"),
        Metric::rust("orphans_forked", ORPHANS, "… forked processes"),
        Metric::rust(
            "orphans_pdeathsig",
            ORPHANS,
            "… forked processes that asked for a death signal",
        ),
    ],
    rule: "Two workers of a pool get ten tasks. One worker fails while the other works and six tasks wait. It holds if no process loses anything when another one \
        is killed. But: if a task that fails by itself (an exception, a panic) costs no other task, while a killed worker costs its own task, others of its \
        pool, or a lock, then memory is isolated, but what the processes share is not. It does not hold if even an exception costs others.",
    judge,
    chart: Chart {
        title: "Tasks lost, of ten",
        axis: Axis {
            scale: Scale::Linear,
            share_of: None,
        },
        sections: &[
            Section {
                title: "a task raises an exception or panics",
                rows: &[
                    Row {
                        label: "a pool of threads",
                        series: &each("threads_exception"),
                    },
                    Row {
                        label: "ProcessPoolExecutor",
                        series: &python("executor_exception"),
                    },
                    Row {
                        label: "Pool.apply_async",
                        series: &python("pool_exception"),
                    },
                    Row {
                        label: "a socket for each worker",
                        series: &rust("sockets_exception"),
                    },
                ],
            },
            Section {
                title: "a task’s process is killed",
                rows: &[
                    Row {
                        label: "a pool of threads",
                        series: &each("threads_sigkill"),
                    },
                    Row {
                        label: "ProcessPoolExecutor",
                        series: &python("executor_sigkill"),
                    },
                    Row {
                        label: "Pool.apply_async",
                        series: &python("pool_sigkill"),
                    },
                    Row {
                        label: "Pool.starmap",
                        series: &python("pool_map_sigkill"),
                    },
                    Row {
                        label: "a socket for each worker",
                        series: &rust("sockets_sigkill"),
                    },
                ],
            },
            Section {
                title: "an idle worker is killed, then come ten tasks",
                rows: &[
                    Row {
                        label: "ProcessPoolExecutor",
                        series: &python("executor_idle"),
                    },
                    Row {
                        label: "Pool: the one with the queue’s lock",
                        series: &python("pool_idle_holder"),
                    },
                    Row {
                        label: "Pool: another one",
                        series: &python("pool_idle_other"),
                    },
                    Row {
                        label: "a socket for each worker",
                        series: &rust("sockets_idle"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 3, quick: 1 },
    experiment: Some(experiment::experiment),
};

fn judge(run: &Run) -> Verdict {
    let lock = need!(run, "lock_stays").max();
    let torn = need!(run, "record_torn").max();
    let (others, killed) = match run.runtime.language {
        Language::Python => {
            let failed = [
                need!(run, "executor_exception"),
                need!(run, "pool_exception"),
            ];
            let executor = need!(run, "executor_sigkill").median;
            let pool = need!(run, "pool_sigkill").median;
            let words = format!(
                "a killed worker cost {} of 10 tasks in ProcessPoolExecutor and {} in Pool",
                count(executor),
                count(pool)
            );
            let cost = executor.max(pool);
            (
                failed.map(|one| one.max()).iter().sum::<f64>(),
                (cost, words),
            )
        }
        Language::Rust => {
            let cost = need!(run, "sockets_sigkill").median;
            let words = format!("a killed worker cost {} of 10 tasks, its own", count(cost));
            (need!(run, "sockets_exception").max(), (cost, words))
        }
    };
    let (cost, words) = killed;
    if others > 0.0 {
        return Verdict::does_not_hold(run, "an exception in one worker cost other tasks");
    }
    if cost + lock + torn == 0.0 {
        return Verdict::holds("no process lost anything");
    }
    let mut shared = Vec::new();
    if lock > 0.0 {
        shared.push("a lock stayed locked");
    }
    if torn > 0.0 {
        shared.push("a shared record was left half-written");
    }
    let shared = match shared.is_empty() {
        true => String::new(),
        false => format!("; {}", shared.join(" and ")),
    };
    Verdict::holds_but(&format!("only memory is isolated: {words}{shared}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Runtime, sample};

    fn python(exception: f64, killed: f64, lock: f64, torn: f64) -> Verdict {
        let (exception, executor, pool) = ([exception], [killed], [killed.min(1.0)]);
        let samples: &[(&str, &[f64])] = &[
            ("executor_exception", &exception),
            ("pool_exception", &[0.0]),
            ("executor_sigkill", &executor),
            ("pool_sigkill", &pool),
            ("lock_stays", &[lock]),
            ("record_torn", &[torn]),
        ];
        sample::judged(&CLAIM, &[], samples)
    }

    #[test]
    fn what_is_shared_is_told_from_what_is_isolated() {
        assert_eq!(
            python(0.0, 8.0, 1.0, 1.0).text,
            "holds, but only memory is isolated: a killed worker cost 8 of 10 tasks in ProcessPoolExecutor and 1 in Pool; \
             a lock stayed locked and a shared record was left half-written"
        );
        assert_eq!(
            python(0.0, 8.0, 0.0, 0.0).text,
            "holds, but only memory is isolated: a killed worker cost 8 of 10 tasks in ProcessPoolExecutor and 1 in Pool"
        );
        assert_eq!(python(0.0, 0.0, 0.0, 0.0).outcome, Outcome::Holds);
    }

    #[test]
    fn an_exception_that_costs_others_contradicts_it() {
        assert_eq!(
            python(8.0, 8.0, 1.0, 1.0).text,
            "does not hold on Python 3.13.0 (GIL): an exception in one worker cost other tasks"
        );
    }

    #[test]
    fn rust_is_judged_by_the_pool_of_sockets() {
        let samples: &[(&str, &[f64])] = &[
            ("sockets_exception", &[0.0]),
            ("sockets_sigkill", &[1.0]),
            ("lock_stays", &[1.0]),
            ("record_torn", &[1.0]),
        ];
        assert_eq!(
            sample::judged_in(Runtime::rust(), &CLAIM, &[], samples).text,
            "holds, but only memory is isolated: a killed worker cost 1 of 10 tasks, its own; \
             a lock stayed locked and a shared record was left half-written"
        );
        let empty = sample::judged(&CLAIM, &[], &[]);
        assert_eq!(empty.outcome, Outcome::NotShown);
    }
}
