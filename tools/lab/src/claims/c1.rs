//! C1: processes sidestep the GIL.
//!
//! Two equal computations, one after the other, in two threads, in two processes, in two interpreters: do they overlap? And
//! what does it cost to start a process, and to send it what it is to work on?

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, demand_of, micros, report, rotated};
use crate::format::digits;
use crate::rule::{aa, ratio};
use crate::sys::{Server, cpu_demand, cpus};
use crate::{Language, Run, Unit, Verdict, need};
use os::process::fork;
use serde_json::json;
use std::hint::black_box;
use std::io::{self, Read, Write};

const MICROS: Unit = Unit::MICROS;
const WORKERS: Unit = Unit::measure("workers", &[]);

/// From this many on, two workers are taken to run at the same time.
const OVERLAP: f64 = 1.4;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "C1",
    sentence: "Multiprocessing sidesteps the GIL: processes run in parallel.",
    metrics: &[
        Metric::both("serial", MICROS, "one after the other"),
        Metric::both("serial_again", MICROS, "… the same again (A/A)"),
        Metric::both("threads", MICROS, "in two threads"),
        Metric::both("processes", MICROS, "in two processes"),
        Metric::python("interpreters", MICROS, "in two interpreters"),
        Metric::both("threads_ready", WORKERS, "threads that run or could run"),
        Metric::both(
            "processes_ready",
            WORKERS,
            "processes that run or could run",
        ),
        Metric::python(
            "interpreters_ready",
            WORKERS,
            "interpreters that run or could run",
        ),
        Metric::both("start_fork", MICROS, "start and end a process: fork"),
        Metric::python(
            "start_forkserver",
            MICROS,
            "start and end a process: forkserver",
        ),
        Metric::python("start_spawn", MICROS, "start and end a process: spawn"),
        Metric::python("total_here", MICROS, "add up the scores of a list, here"),
        Metric::python(
            "total_there",
            MICROS,
            "send the list to a process that adds them up",
        ),
    ],
    rule: "Two workers do the same amount of work. On average, how many of them run or are ready to run, according to the kernel, while nobody is forced to give \
        up the GIL? It holds if two processes come to at least 1.4, while two threads stay below that. But: if threads overlap as well, there is no GIL to \
        sidestep. Median times are compared only on two CPUs or more, and only if the computation, measured against itself (A/A), comes out within 0.9 to 1.1.",
    judge,
    chart: Chart {
        title: "Time for two equal computations, and the price of a process",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "two computations",
                rows: &[
                    Row {
                        label: "one after the other",
                        series: &each("serial"),
                    },
                    Row {
                        label: "two threads",
                        series: &each("threads"),
                    },
                    Row {
                        label: "two processes",
                        series: &each("processes"),
                    },
                    Row {
                        label: "two interpreters",
                        series: &[Series(Runtimes::Named("python"), "interpreters")],
                    },
                ],
            },
            Section {
                title: "start and end a process",
                rows: &[
                    Row {
                        label: "fork",
                        series: &each("start_fork"),
                    },
                    Row {
                        label: "forkserver",
                        series: &[Series(Runtimes::Named("python"), "start_forkserver")],
                    },
                    Row {
                        label: "spawn",
                        series: &[Series(Runtimes::Named("python"), "start_spawn")],
                    },
                ],
            },
            Section {
                title: "add up a list",
                rows: &[
                    Row {
                        label: "here",
                        series: &[Series(Runtimes::Named("python"), "total_here")],
                    },
                    Row {
                        label: "sent to a process",
                        series: &[Series(Runtimes::Named("python"), "total_there")],
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 15, quick: 5 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let processes = need!(run, "processes_ready").median;
    let threads = need!(run, "threads_ready").median;
    let overlap = format!(
        "{} of two processes could run at a time, and {} of two threads",
        digits(processes),
        digits(threads)
    );
    if processes < OVERLAP {
        return Verdict::not_shown(&format!("{overlap}, so nothing kept two workers running"));
    }
    let times = times(run);
    if threads < OVERLAP {
        return Verdict::holds(&format!("{overlap} ({times})"));
    }
    if run.runtime.language == Language::Rust || run.runtime.is_free_threaded() {
        return Verdict::holds_but(&format!(
            "threads run in parallel as well, since there is no GIL here: {overlap} ({times})"
        ));
    }
    Verdict::not_shown(&format!(
        "{overlap}, so the GIL was not what made the difference"
    ))
}

/// What can be said of the times: how long two processes took, against one after the other.
fn times(run: &Run) -> String {
    if run.given("cpus").is_none_or(|cpus| cpus < 2.0) {
        return "times not compared: there is one CPU".to_owned();
    }
    match (
        aa(run, "serial_again", "serial"),
        ratio(run, "processes", "serial"),
    ) {
        (Err(busy), _) => busy,
        (Ok(aa), Some(ratio)) => format!(
            "two processes took {} of the time, A/A {}",
            digits(ratio),
            digits(aa)
        ),
        (Ok(_), None) => "times not measured".to_owned(),
    }
}

const TURNS: u64 = 20_000_000;

fn experiment(rounds: usize) -> io::Result<()> {
    let cpus = cpus().len();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let (mut requests, request) = io::pipe()?;
        let (answers, mut answer) = io::pipe()?;
        let server = Server::start(|| {
            let mut go = [0];
            loop {
                requests.read_exact(&mut go)?;
                let before = cpu_demand();
                work();
                let demand = cpu_demand().zip(before);
                let demand = demand.map_or(f64::NAN, |(after, before)| {
                    let spent = after - before;
                    spent.ran + spent.ready
                });
                answer.write_all(&demand.to_le_bytes())?;
            }
        })?; // before there is a second thread
        workers.push((server, request, answers));
    }
    let mut in_processes = || {
        let mut demand = 0.0;
        let time = micros(|| {
            for (_, request, _) in &mut workers {
                request.write_all(&[1])?;
            }
            for (_, _, answers) in &mut workers {
                let mut answer = [0; 8];
                answers.read_exact(&mut answer)?;
                demand += f64::from_le_bytes(answer);
            }
            Ok(())
        })?;
        let ready = 1e6 * demand / time;
        io::Result::Ok((Some(ready).filter(|ready| ready.is_finite()), time))
    };
    let serial = || {
        micros(|| {
            work();
            work();
            Ok(())
        })
    };
    let given = json!({ "turns": TURNS, "pieces": 2, "cpus": cpus });
    let ways = ["serial", "threads", "processes", "serial_again"];
    report(rounds, 1, &given, |number| {
        let mut round = Round::new();
        for way in rotated(ways, number) {
            let time = match way {
                "threads" => {
                    let threads = demand_of([work, work]);
                    round.insert("threads_ready", threads.ready);
                    threads.took
                }
                "processes" => {
                    let (ready, time) = in_processes()?;
                    round.insert("processes_ready", ready);
                    time
                }
                _ => serial()?,
            };
            round.insert(way, Some(time));
        }
        let start = micros(|| fork(|| Ok(()))?.wait().map(|_| ()))?;
        round.insert("start_fork", Some(start));
        Ok(round)
    })
}

/// A computation that the compiler can't shorten, some 20 ms long.
fn work() {
    let mut total = 0_u64;
    for number in 0..TURNS {
        total = black_box(total + (number & 7));
    }
    black_box(total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Runtime, sample};

    fn judged(runtime: Runtime, threads: f64, processes: f64, again: f64, cpus: u64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("threads_ready", &[threads]),
            ("processes_ready", &[processes]),
            ("serial", &[100.0]),
            ("serial_again", &[again]),
            ("processes", &[52.0]),
        ];
        sample::judged_in(runtime, &CLAIM, &[("cpus", cpus)], samples)
    }

    fn gil() -> Runtime {
        Runtime::python("3.15.0", false, true)
    }

    #[test]
    fn it_holds_when_processes_overlap_and_threads_do_not() {
        let verdict = judged(gil(), 1.01, 1.97, 101.0, 2);
        assert_eq!(
            verdict.text,
            "holds: 1.97 of two processes could run at a time, and 1.01 of two threads \
             (two processes took 0.520 of the time, A/A 1.01)"
        );
    }

    #[test]
    fn times_are_compared_only_where_they_can_be() {
        let busy = judged(gil(), 1.01, 1.97, 130.0, 2);
        assert_eq!(busy.outcome, Outcome::Holds);
        assert!(busy.text.contains("too busy, A/A 1.30"), "{busy}");
        let alone = judged(gil(), 1.01, 1.97, 100.0, 1);
        assert!(alone.text.contains("there is one CPU"), "{alone}");
    }

    #[test]
    fn without_a_gil_there_is_nothing_to_sidestep() {
        for runtime in [Runtime::rust(), Runtime::python("3.14.0", true, false)] {
            let verdict = judged(runtime, 1.95, 1.97, 100.0, 2);
            assert_eq!(verdict.outcome, Outcome::HoldsBut, "{verdict}");
        }
    }

    #[test]
    fn nothing_is_shown_when_processes_do_not_overlap_or_threads_do_under_the_gil() {
        assert_eq!(judged(gil(), 1.0, 1.1, 100.0, 2).outcome, Outcome::NotShown);
        assert_eq!(judged(gil(), 1.9, 1.9, 100.0, 2).outcome, Outcome::NotShown);
    }
}
