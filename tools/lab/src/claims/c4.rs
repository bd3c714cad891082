//! C4: threads suit I/O-bound work, not CPU-bound work.
//!
//! Four waits and two computations, one after the other and in threads. Then the convoy effect: how long does a reply from
//! another process take for a thread beside threads that compute?

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, demand_of, micros, report, rotated};
use crate::format::{digits, quantity};
use crate::rule::{aa, ratio};
use crate::sys::Server;
use crate::{Language, Run, Unit, Verdict, need};
use serde_json::json;
use std::hint::black_box;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const MICROS: Unit = Unit::MICROS;
/// Fewer rounds than these are too easily a matter of luck.
const FEWEST: usize = 5;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "C4",
    sentence: "So threads suit I/O-bound work rather than CPU-bound work.",
    metrics: &[
        Metric::both("waits_serial", MICROS, "four waits, one after the other"),
        Metric::both("waits_threads", MICROS, "four waits, in four threads"),
        Metric::both(
            "sums_serial",
            MICROS,
            "two computations, one after the other",
        ),
        Metric::both("sums_serial_again", MICROS, "… the same again (A/A)"),
        Metric::both("sums_threads", MICROS, "two computations, in two threads"),
        Metric::both("reply_alone", MICROS, "a reply, nothing else to do"),
        Metric::both(
            "reply_beside_1",
            MICROS,
            "a reply, beside one computing thread",
        ),
        Metric::both(
            "reply_beside_4",
            MICROS,
            "a reply, beside four computing threads",
        ),
        Metric::python(
            "reply_beside_short",
            MICROS,
            "a reply, beside one computing thread, switch interval 0.5 ms",
        ),
        Metric::python(
            "reply_beside_sha256",
            MICROS,
            "a reply, beside a thread that hashes 1 MiB",
        ),
        Metric::both(
            "reply_beside_process",
            MICROS,
            "a reply, beside a computing process",
        ),
    ],
    rule: "It holds if four waits in four threads take less than half the time that they take one after the other, while two computations in two threads do not \
        take clearly less. But: if a reply beside one computing thread takes more than three times as long as alone, mixing the two costs the I/O thread. \
        “Clearly less” means that the 90th percentile is below 0.75 of the 10th percentile of one after the other, in five rounds or more. Without a GIL that \
        is what happens; under the GIL, the claim does not hold then. The computations' times are compared only if one, measured against itself (A/A), comes \
        out within 0.9 to 1.1.",
    judge,
    chart: Chart {
        title: "Time to wait, to compute, and to get a reply",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "four waits of 10 ms",
                rows: &[
                    Row {
                        label: "one after the other",
                        series: &each("waits_serial"),
                    },
                    Row {
                        label: "four threads",
                        series: &each("waits_threads"),
                    },
                ],
            },
            Section {
                title: "two computations",
                rows: &[
                    Row {
                        label: "one after the other",
                        series: &each("sums_serial"),
                    },
                    Row {
                        label: "two threads",
                        series: &each("sums_threads"),
                    },
                ],
            },
            Section {
                title: "a reply after 1 ms, beside …",
                rows: &[
                    Row {
                        label: "nothing",
                        series: &each("reply_alone"),
                    },
                    Row {
                        label: "a computing thread",
                        series: &[
                            Series(Runtimes::Named("rust"), "reply_beside_1"),
                            Series(Runtimes::EveryPython, "reply_beside_1"),
                        ],
                    },
                    Row {
                        label: "four of them",
                        series: &each("reply_beside_4"),
                    },
                    Row {
                        label: "one, interval 0.5 ms",
                        series: &[Series(Runtimes::NewestPythons, "reply_beside_short")],
                    },
                    Row {
                        label: "a thread that hashes",
                        series: &[Series(Runtimes::NewestPythons, "reply_beside_sha256")],
                    },
                    Row {
                        label: "a computing process",
                        series: &each("reply_beside_process"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 15, quick: 5 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let (serial, threads) = (need!(run, "sums_serial"), need!(run, "sums_threads"));
    let (Some(waits), Some(sums)) = (
        ratio(run, "waits_threads", "waits_serial"),
        ratio(run, "sums_threads", "sums_serial"),
    ) else {
        return Verdict::not_shown("what the threads did could not be measured");
    };
    if waits >= 0.5 {
        return Verdict::not_shown(&format!(
            "four waits in four threads took {} of the time, so the machine was too busy",
            digits(waits)
        ));
    }
    let computed = match aa(run, "sums_serial_again", "sums_serial") {
        Ok(aa) => format!(
            "two computations in two threads took {} of the time (A/A {})",
            digits(sums),
            digits(aa)
        ),
        Err(busy) => busy,
    };
    let quickest = serial.p10.min(need!(run, "sums_serial_again").p10);
    if threads.p90 < 0.75 * quickest && threads.samples >= FEWEST {
        let gained = format!(
            "two computations in two threads took {} of the time",
            digits(sums)
        );
        let has_gil = run.runtime.language == Language::Python && !run.runtime.is_free_threaded();
        return match has_gil {
            true => Verdict::does_not_hold(run, &gained),
            false => Verdict::holds_but(&format!("only where there is a GIL: here {gained}")),
        };
    }
    let waited = format!(
        "four waits in four threads took {} of the time; {computed}",
        digits(waits)
    );
    match (run.median("reply_alone"), run.median("reply_beside_1")) {
        (Some(alone), Some(beside)) if beside > 3.0 * alone => Verdict::holds_but(&format!(
            "a thread beside one that computes got its reply in {} instead of {} ({waited})",
            quantity(beside, &MICROS),
            quantity(alone, &MICROS)
        )),
        _ => Verdict::holds(&waited),
    }
}

const WAITS: u32 = 4;
const WAIT: Duration = Duration::from_millis(10);
const TURNS: u64 = 15_000_000;
const REPLIES: u32 = 4;
const REPLY_AFTER: Duration = Duration::from_millis(1);

fn experiment(rounds: usize) -> io::Result<()> {
    let (mut there, mut ask) = io::pipe()?;
    let (mut replies, mut reply) = io::pipe()?;
    let _echo = Server::start(|| {
        let mut question = [0];
        while there.read(&mut question)? == 1 {
            thread::sleep(REPLY_AFTER);
            reply.write_all(&question)?;
        }
        Ok(())
    })?;
    let compute_there = Computing::start()?; // both before there is a second thread

    let mut answered = || {
        let all = micros(|| {
            (0..REPLIES).try_for_each(|_| {
                ask.write_all(&[1])?;
                replies.read_exact(&mut [0])
            })
        })?;
        io::Result::Ok(all / f64::from(REPLIES))
    };
    let given = json!({
        "waits": WAITS,
        "wait_ms": WAIT.as_millis() as u64,
        "sums": 2,
        "turns": TURNS,
        "replies": REPLIES,
        "reply_ms": REPLY_AFTER.as_millis() as u64,
    });
    let ways = [
        "waits_serial",
        "waits_threads",
        "sums_serial",
        "sums_threads",
        "sums_serial_again",
        "reply_alone",
        "reply_beside_1",
        "reply_beside_4",
        "reply_beside_process",
    ];
    report(rounds, 1, &given, |number| {
        let mut round = Round::new();
        for way in rotated(ways, number) {
            let time = match way {
                "waits_serial" => timed(|| (0..WAITS).for_each(|_| thread::sleep(WAIT)))?,
                "waits_threads" => demand_of((0..WAITS).map(|_| || thread::sleep(WAIT))).took,
                "sums_threads" => demand_of([|| compute(TURNS); 2]).took,
                "reply_alone" => answered()?,
                "reply_beside_1" => beside(1, &mut answered)?,
                "reply_beside_4" => beside(4, &mut answered)?,
                "reply_beside_process" => compute_there.during(&mut answered)?,
                _ => timed(|| {
                    compute(TURNS);
                    compute(TURNS);
                })?,
            };
            round.insert(way, Some(time));
        }
        Ok(round)
    })
}

fn timed(work: impl FnOnce()) -> io::Result<f64> {
    micros(|| {
        work();
        Ok(())
    })
}

/// Measures while threads compute. Each has begun before.
fn beside(threads: usize, measure: impl FnOnce() -> io::Result<f64>) -> io::Result<f64> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (begin, begun) = mpsc::channel();
        for _ in 0..threads {
            let begin = begin.clone();
            let done = &done;
            scope.spawn(move || {
                compute(10_000);
                let _ = begin.send(());
                while !done.load(Relaxed) {
                    compute(10_000);
                }
            });
        }
        let _ = begun.iter().take(threads).count();
        let measured = measure();
        done.store(true, Relaxed);
        measured
    })
}

/// A process that computes when it is told to.
struct Computing {
    _server: Server,
    switch: PipeWriter,
    begun: PipeReader,
}

impl Computing {
    fn start() -> io::Result<Self> {
        let (mut wait, switch) = io::pipe()?;
        let (begun, mut begin) = io::pipe()?;
        let server = Server::start(|| {
            while wait.read(&mut [0])? == 1 {
                begin.write_all(&[1])?;
                let stop = AtomicBool::new(false);
                thread::scope(|scope| {
                    scope.spawn(|| {
                        while !stop.load(Relaxed) {
                            compute(10_000);
                        }
                    });
                    let _ = wait.read(&mut [0]);
                    stop.store(true, Relaxed);
                });
            }
            Ok(())
        })?;
        Ok(Self {
            _server: server,
            switch,
            begun,
        })
    }

    fn during(&self, measure: impl FnOnce() -> io::Result<f64>) -> io::Result<f64> {
        (&self.switch).write_all(&[1])?;
        (&self.begun).read_exact(&mut [0])?;
        let measured = measure();
        (&self.switch).write_all(&[0])?;
        measured
    }
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

    fn judged(waits: f64, sums: f64, again: f64, beside: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("waits_serial", &[40_000.0]),
            ("waits_threads", &[waits]),
            ("sums_serial", &[30_000.0]),
            ("sums_serial_again", &[again]),
            ("sums_threads", &[sums]),
            ("reply_alone", &[1_100.0]),
            ("reply_beside_1", &[beside]),
        ];
        sample::judged(&CLAIM, &[], samples)
    }

    #[test]
    fn it_holds_but_a_computing_thread_delays_replies() {
        let verdict = judged(10_400.0, 30_300.0, 30_000.0, 6_300.0);
        assert_eq!(
            verdict.text,
            "holds, but a thread beside one that computes got its reply in 6.30 ms instead of 1.10 ms \
             (four waits in four threads took 0.260 of the time; \
             two computations in two threads took 1.01 of the time (A/A 1.00))"
        );
        assert_eq!(
            judged(10_400.0, 30_300.0, 30_000.0, 1_300.0).outcome,
            Outcome::Holds
        );
    }

    #[test]
    fn without_a_gil_threads_compute_in_parallel() {
        let gained = |runtime: Runtime, rounds: usize| {
            let samples: &[(&str, &[f64])] = &[
                ("waits_serial", &[40_000.0]),
                ("waits_threads", &[10_400.0]),
                ("sums_serial", &[30_000.0]),
                ("sums_serial_again", &[30_100.0]),
                ("sums_threads", &vec![15_300.0; rounds]),
            ];
            sample::judged_in(runtime, &CLAIM, &[], samples)
        };
        let free = gained(Runtime::rust(), 5);
        assert_eq!(free.outcome, Outcome::HoldsBut);
        assert!(
            free.text.ends_with("in two threads took 0.510 of the time"),
            "{free}"
        );
        let gil = Runtime::python("3.15.0", false, true);
        assert_eq!(gained(gil.clone(), 5).outcome, Outcome::DoesNotHold);
        assert_eq!(gained(gil, 2).outcome, Outcome::Holds);
    }

    #[test]
    fn a_busy_machine_decides_nothing() {
        assert_eq!(
            judged(25_000.0, 30_000.0, 30_000.0, 6_300.0).outcome,
            Outcome::NotShown
        );
        let busy = judged(10_400.0, 25_300.0, 40_000.0, 6_300.0);
        assert_eq!(busy.outcome, Outcome::HoldsBut);
        assert!(busy.text.contains("too busy, A/A 1.33"), "{busy}");
    }
}
