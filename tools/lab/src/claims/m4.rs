//! M4: shared memory comes at the price of races.
//!
//! Threads add to one number: by load and store, by `fetch_add`, under a `Mutex`; in Python bare, with a call between the
//! read and the write, and under a lock. How many additions are lost?

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, report};
use crate::format::count;
use crate::rule::upper_bound;
use crate::{Language, Measurement, Run, Unit, Verdict, need};
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

const ADDITIONS: Unit = Unit::count("addition", "additions");

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "M4",
    sentence: "Shared memory comes at the price of races: updates are lost unless threads synchronize.",
    metrics: &[
        Metric::python("lost_bare", ADDITIONS, "n += 1: additions lost"),
        Metric::python("lost_call", ADDITIONS, "n = f(n): additions lost"),
        Metric::python(
            "lost_locked",
            ADDITIONS,
            "with lock: n = f(n): additions lost",
        )
        .always(0.0),
        Metric::rust(
            "lost_load_store",
            ADDITIONS,
            "load, then store: additions lost",
        ),
        Metric::rust("lost_fetch_add", ADDITIONS, "fetch_add: additions lost").always(0.0),
        Metric::rust("lost_mutex", ADDITIONS, "Mutex: additions lost").always(0.0),
    ],
    rule: "Threads add to one number. It holds if an addition without a lock is lost in at least one round, and none with a lock in any. But (Python): if the \
        bare n += 1 loses nothing while n = f(n) does, the race exists and this loop does not show it. If nothing at all is lost, or if something is lost \
        under the lock, nothing is shown: a race that did not happen may still happen.",
    judge,
    chart: Chart {
        title: "Additions lost by four threads",
        axis: Axis {
            scale: Scale::Linear,
            share_of: Some("additions"),
        },
        sections: &[
            Section {
                title: "no lock",
                rows: &[
                    Row {
                        label: "n += 1",
                        series: &[Series(Runtimes::EveryPython, "lost_bare")],
                    },
                    Row {
                        label: "n = f(n)",
                        series: &[Series(Runtimes::EveryPython, "lost_call")],
                    },
                    Row {
                        label: "atomic load, then store",
                        series: &[Series(Runtimes::Named("rust"), "lost_load_store")],
                    },
                ],
            },
            Section {
                title: "one at a time",
                rows: &[
                    Row {
                        label: "with lock: n = f(n)",
                        series: &[Series(Runtimes::NewestPythons, "lost_locked")],
                    },
                    Row {
                        label: "atomic fetch_add",
                        series: &[Series(Runtimes::Named("rust"), "lost_fetch_add")],
                    },
                    Row {
                        label: "Mutex",
                        series: &[Series(Runtimes::Named("rust"), "lost_mutex")],
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 11, quick: 5 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    if run.runtime.language == Language::Rust {
        let racy = need!(run, "lost_load_store");
        let added = need!(run, "lost_fetch_add").max();
        let locked = need!(run, "lost_mutex").max();
        return match (racy.times(), added.max(locked) > 0.0) {
            (_, true) => lost_under_a_lock(),
            (0, false) => nothing_lost(racy),
            (_, false) => Verdict::holds(&format!(
                "load and store lost {}, fetch_add and Mutex none",
                lost(racy)
            )),
        };
    }
    let (bare, call) = (need!(run, "lost_bare"), need!(run, "lost_call"));
    if need!(run, "lost_locked").max() > 0.0 {
        return lost_under_a_lock();
    }
    match (bare.times(), call.times()) {
        (0, 0) => nothing_lost(call),
        (0, _) => Verdict::holds_but(&format!(
            "the bare n += 1 lost nothing in {} rounds (so at most {} % of rounds lose any, with 95 % confidence), while n = f(n) lost {}",
            bare.samples,
            count(100.0 * upper_bound(bare.samples)),
            lost(call)
        )),
        _ => Verdict::holds(&format!(
            "n += 1 lost {}; n = f(n) lost {}; none under a lock",
            lost(bare),
            lost(call)
        )),
    }
}

/// How many additions were lost, in words: the median, and the number of rounds.
fn lost(one: &Measurement) -> String {
    let (median, times, samples) = (count(one.median), one.times(), one.samples);
    format!("{median} additions (the median; some in {times} of {samples} rounds)")
}

fn lost_under_a_lock() -> Verdict {
    Verdict::not_shown("additions were lost under a lock too, so the experiment is wrong")
}

fn nothing_lost(one: &Measurement) -> Verdict {
    let rounds = match one.samples {
        1 => "1 round".to_owned(),
        many => format!("{many} rounds"),
    };
    Verdict::not_shown(&format!(
        "nothing was lost in {rounds}, which proves nothing"
    ))
}

const THREADS: u64 = 4;
const TIMES: u64 = 200_000;

fn experiment(rounds: usize) -> io::Result<()> {
    let given = json!({ "threads": THREADS, "additions": THREADS * TIMES });
    report(rounds, 1, &given, |_| {
        let n = AtomicU64::new(0);
        let load_store = missing(|| n.store(n.load(Relaxed) + 1, Relaxed), || n.load(Relaxed));
        n.store(0, Relaxed);
        let fetch_add = missing(
            || {
                n.fetch_add(1, Relaxed);
            },
            || n.load(Relaxed),
        );
        let n = Mutex::new(0);
        let take = || n.lock().unwrap_or_else(PoisonError::into_inner);
        let mutex = missing(|| *take() += 1, || *take());
        Ok(Round::from([
            ("lost_load_store", load_store),
            ("lost_fetch_add", fetch_add),
            ("lost_mutex", mutex),
        ]))
    })
}

/// Counts the additions that are missing after all threads have added.
fn missing(add: impl Fn() + Sync, total: impl Fn() -> u64) -> Option<f64> {
    let ready = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                ready.wait();
                for _ in 0..TIMES {
                    add();
                }
            });
        }
    });
    Some((THREADS * TIMES - total()) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Runtime, sample};

    fn judged(bare: &[f64], call: &[f64], locked: &[f64]) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("lost_bare", bare),
            ("lost_call", call),
            ("lost_locked", locked),
        ];
        sample::judged(&CLAIM, &[], samples)
    }

    #[test]
    fn the_loop_that_shows_the_race_is_told_from_the_one_that_does_not() {
        assert_eq!(
            judged(&[0.0, 75_000.0, 75_000.0], &[1.0, 9.0, 10.0], &[0.0]).text,
            "holds: n += 1 lost 75,000 additions (the median; some in 2 of 3 rounds); \
             n = f(n) lost 9 additions (the median; some in 3 of 3 rounds); none under a lock"
        );
        let new = judged(&[0.0, 0.0], &[0.0, 188_582.0], &[0.0, 0.0]);
        assert_eq!(new.outcome, Outcome::HoldsBut);
        assert_eq!(
            new.text,
            "holds, but the bare n += 1 lost nothing in 2 rounds (so at most 78 % of rounds lose any, with 95 % confidence), \
             while n = f(n) lost 94,291 additions (the median; some in 1 of 2 rounds)"
        );
    }

    #[test]
    fn nothing_is_shown_when_nothing_is_lost_or_the_lock_leaks() {
        assert_eq!(
            judged(&[0.0], &[0.0], &[0.0]).text,
            "not shown here: nothing was lost in 1 round, which proves nothing"
        );
        assert_eq!(judged(&[5.0], &[5.0], &[1.0]).outcome, Outcome::NotShown);
    }

    #[test]
    fn rust_compares_load_and_store_with_what_mends_it() {
        let rust = |racy: &[f64], mutex: &[f64]| {
            let samples: &[(&str, &[f64])] = &[
                ("lost_load_store", racy),
                ("lost_fetch_add", &[0.0]),
                ("lost_mutex", mutex),
            ];
            sample::judged_in(Runtime::rust(), &CLAIM, &[], samples)
        };
        assert_eq!(
            rust(&[12.0, 12.0], &[0.0]).text,
            "holds: load and store lost 12 additions (the median; some in 2 of 2 rounds), fetch_add and Mutex none"
        );
        assert_eq!(rust(&[0.0], &[0.0]).outcome, Outcome::NotShown);
        assert_eq!(rust(&[9.0], &[1.0]).outcome, Outcome::NotShown);
    }
}
