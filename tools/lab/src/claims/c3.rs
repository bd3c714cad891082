//! C3: because of the GIL, one thread at a time executes bytecode.
//!
//! How many of some threads run or could run at a time: in Python code, in C code that keeps the GIL, in C code that gives it
//! up; in Rust, without a lock and under one big lock?

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, demand_of, report, rotated};
use crate::format::{digits, quantity};
use crate::sys::cpus;
use crate::{Language, Run, Unit, Verdict, need};
use serde_json::json;
use std::hint::black_box;
use std::io;
use std::sync::{Mutex, PoisonError};

const THREADS: Unit = Unit::measure("threads", &[]);

/// From this many on, two threads are taken to run at the same time.
const OVERLAP: f64 = 1.4;
/// More threads than one that do run, with a margin for how time is measured: no load of the machine brings that about.
const PARALLEL: f64 = 1.2;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "C3",
    sentence: "Because of the GIL, only one thread at a time executes Python bytecode.",
    metrics: &[
        Metric::both("one_thread", THREADS, "one thread"),
        Metric::both("two_threads", THREADS, "two threads"),
        Metric::both("two_threads_run", THREADS, "two threads: those that do run"),
        Metric::both("four_threads", THREADS, "four threads"),
        Metric::python("sha256_large", THREADS, "two threads: sha256 of 1 MiB"),
        Metric::python("sha256_small", THREADS, "two threads: sha256 of 1 KiB"),
        Metric::python("zlib_large", THREADS, "two threads: zlib.compress of 1 MiB"),
        Metric::python(
            "json_large",
            THREADS,
            "two threads: json.dumps of a long list",
        ),
        Metric::rust(
            "one_lock",
            THREADS,
            "two threads, one lock around all they do",
        ),
        Metric::python("turn_5_ms", Unit::MICROS, "mean turn, switch interval 5 ms"),
        Metric::python("turn_1_ms", Unit::MICROS, "mean turn, switch interval 1 ms"),
    ],
    rule: "On average, how many threads run or are ready to run, according to the kernel, while nobody is forced to give up the GIL? It holds if two threads of \
        Python code stay below 1.4 while two threads that hash or compress, without the GIL, reach it. But: without a GIL, threads of Python code reach it \
        too. It does not hold if, under the GIL, two threads of Python code not only could run at a time but did, 1.2 of them or more in any round. If they \
        reach 1.4 without that, or hashing and compressing stay below 1.4 as well, the machine was too busy, and nothing is shown.",
    judge,
    chart: Chart {
        title: "Threads that run or could run at a time",
        axis: Axis {
            scale: Scale::Linear,
            share_of: None,
        },
        sections: &[
            Section {
                title: "two threads of Python or Rust code",
                rows: &[
                    Row {
                        label: "a loop",
                        series: &[
                            Series(Runtimes::Named("rust"), "two_threads"),
                            Series(Runtimes::EveryPython, "two_threads"),
                        ],
                    },
                    Row {
                        label: "a loop, under one lock",
                        series: &[Series(Runtimes::Named("rust"), "one_lock")],
                    },
                ],
            },
            Section {
                title: "two threads of C code",
                rows: &[
                    Row {
                        label: "json.dumps",
                        series: &[Series(Runtimes::NewestPythons, "json_large")],
                    },
                    Row {
                        label: "sha256, 1 KiB",
                        series: &[Series(Runtimes::NewestPythons, "sha256_small")],
                    },
                    Row {
                        label: "sha256, 1 MiB",
                        series: &[Series(Runtimes::NewestPythons, "sha256_large")],
                    },
                    Row {
                        label: "zlib, 1 MiB",
                        series: &[Series(Runtimes::NewestPythons, "zlib_large")],
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 15, quick: 5 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let two = need!(run, "two_threads").median;
    let ran = |who: &str, median: f64| format!("{} of {who} could run at a time", digits(median));
    if run.runtime.language == Language::Rust {
        let locked = need!(run, "one_lock").median;
        let ran = ran("two threads", two);
        return match (two >= OVERLAP, locked < OVERLAP) {
            (true, true) => {
                let locked = digits(locked);
                let why = format!(
                    "only where there is a GIL: here {ran}; under one lock around all they do, {locked}"
                );
                Verdict::holds_but(&why)
            }
            (false, _) => Verdict::not_shown(&format!("{ran}, even without a lock")),
            (true, false) => Verdict::not_shown(&format!("{ran}, although they share one lock")),
        };
    }
    let ran = ran("two threads of Python code", two);
    let most = need!(run, "two_threads_run").max();
    if two >= OVERLAP && run.runtime.is_free_threaded() {
        return Verdict::holds_but(&format!("only where there is a GIL: here {ran}"));
    }
    if most >= PARALLEL {
        return Verdict::does_not_hold(run, &format!("{ran}, and up to {} did", digits(most)));
    }
    if two >= OVERLAP {
        return Verdict::not_shown(&format!(
            "{ran}, but no more than {} did: the machine was too busy to tell",
            digits(most)
        ));
    }
    let hashing = need!(run, "sha256_large").median;
    let free = hashing.max(need!(run, "zlib_large").median);
    let free_words = digits(free);
    if free < OVERLAP {
        return Verdict::not_shown(&format!(
            "{ran}, but also only {free_words} of two that hash or compress"
        ));
    }
    let turns = run.median("turn_5_ms").map_or_else(String::new, |turn| {
        format!("; a turn lasts {}", quantity(turn, &Unit::MICROS))
    });
    Verdict::holds(&format!(
        "{ran}, and {free_words} of two that hash or compress{turns}"
    ))
}

const TURNS: u64 = 15_000_000;
fn experiment(rounds: usize) -> io::Result<()> {
    let given = json!({ "turns": TURNS, "cpus": cpus().len() });
    let ways = ["one_thread", "two_threads", "four_threads", "one_lock"];
    report(rounds, 1, &given, |number| {
        let lock = Mutex::new(());
        let locked = || {
            let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
            compute(TURNS);
        };
        let all = || compute(TURNS);
        let half = || compute(TURNS / 2);
        let mut round = Round::new();
        for way in rotated(ways, number) {
            let threads = match way {
                "one_thread" => demand_of([all]),
                "two_threads" => demand_of([all; 2]),
                "four_threads" => demand_of([half; 4]),
                _ => demand_of([locked, locked]),
            };
            round.insert(way, threads.ready);
            if way == "two_threads" {
                round.insert("two_threads_run", threads.run);
            }
        }
        Ok(round)
    })
}

/// A computation that the compiler can't shorten.
fn compute(turns: u64) {
    let mut total = 0_u64;
    for number in 0..turns {
        total = black_box(total + (number & 7));
    }
    black_box(total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Runtime, sample};

    fn judged(two: f64, run: f64, sha: f64, zlib: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("two_threads", &[two]),
            ("two_threads_run", &[run]),
            ("sha256_large", &[sha]),
            ("zlib_large", &[zlib]),
            ("turn_5_ms", &[5_100.0]),
        ];
        sample::judged(&CLAIM, &[], samples)
    }

    #[test]
    fn it_holds_only_where_threads_without_the_gil_do_overlap() {
        assert_eq!(
            judged(1.01, 0.99, 1.3, 1.95).text,
            "holds: 1.01 of two threads of Python code could run at a time, and 1.95 of two that hash or compress; \
             a turn lasts 5.10 ms"
        );
        assert_eq!(judged(1.01, 0.99, 1.1, 1.2).outcome, Outcome::NotShown);
        assert_eq!(judged(1.9, 1.8, 1.9, 1.9).outcome, Outcome::DoesNotHold);
        let free = Runtime::python("3.14.0", true, false);
        let samples: &[(&str, &[f64])] = &[("two_threads", &[1.7]), ("two_threads_run", &[0.6])];
        let verdict = sample::judged_in(free, &CLAIM, &[], samples);
        assert_eq!(verdict.outcome, Outcome::HoldsBut);
        let busy = judged(1.5, 0.6, 1.9, 1.9);
        assert_eq!(busy.outcome, Outcome::NotShown);
        assert!(busy.text.contains("too busy"), "{busy}");
    }

    #[test]
    fn rust_threads_overlap_unless_they_share_a_lock() {
        let rust = |two: f64, locked: f64| {
            let samples: &[(&str, &[f64])] = &[("two_threads", &[two]), ("one_lock", &[locked])];
            sample::judged_in(Runtime::rust(), &CLAIM, &[], samples)
        };
        let free = rust(1.98, 1.02);
        assert_eq!(free.outcome, Outcome::HoldsBut);
        let says = "only where there is a GIL: here 1.98 of two threads could run at a time; under one lock around all they do, 1.02";
        assert!(free.text.ends_with(says), "{free}");
        assert_eq!(rust(1.0, 1.0).outcome, Outcome::NotShown);
        assert_eq!(rust(1.9, 1.9).outcome, Outcome::NotShown);
    }
}
