//! M3: threads share memory, so exchange is easy.
//!
//! One object goes to a thread and back, and to a process and back, from 64 bytes to 16 MiB. Is it still the same object?
//! What does its size cost?

use crate::chart::{Axis, Chart, Row, Scale, Section, each};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, micros, report, rotated};
use crate::format::{count, digits};
use crate::rule::{aa, ratio};
use crate::sys::{Server, cpus, pin};
use crate::{Run, Unit, Verdict, need};
use serde_json::json;
use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::thread;

const OBJECTS: Unit = Unit::count("object", "objects");
const MICROS: Unit = Unit::MICROS;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "M3",
    sentence: "Threads share memory, so exchange is easy.",
    metrics: &[
        Metric::both(
            "thread_same_object",
            OBJECTS,
            "objects that a thread gave back as the same",
        )
        .always(4.0),
        Metric::both(
            "thread_write_seen",
            OBJECTS,
            "objects on which a thread's write is seen",
        )
        .always(4.0),
        Metric::both(
            "process_write_seen",
            OBJECTS,
            "objects on which a process's write is seen",
        )
        .always(0.0),
        Metric::both("thread_64_b", MICROS, "to a thread and back: 64 B"),
        Metric::both("thread_64_b_again", MICROS, "… the same again (A/A)"),
        Metric::both("thread_64_kib", MICROS, "to a thread and back: 64 KiB"),
        Metric::both("thread_1_mib", MICROS, "to a thread and back: 1 MiB"),
        Metric::both("thread_16_mib", MICROS, "to a thread and back: 16 MiB"),
        Metric::both("process_64_b", MICROS, "to a process and back: 64 B"),
        Metric::both("process_64_kib", MICROS, "to a process and back: 64 KiB"),
        Metric::both("process_1_mib", MICROS, "to a process and back: 1 MiB"),
        Metric::both("process_16_mib", MICROS, "to a process and back: 16 MiB"),
    ],
    rule: "It holds if every object that a thread gives back is the same object and shows what the thread wrote to it, and no object shows what a process wrote \
        to its copy. It does not hold if an object from a thread is a different one, or does not show the write. But: if handing over 16 MiB to a thread takes \
        more than 4 times as long as 64 B, size costs something after all. Medians are compared, and only if 64 B, measured against itself (A/A), comes out \
        within 0.9 to 1.1.",
    judge,
    chart: Chart {
        title: "Time to hand an object over and get it back",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "a thread",
                rows: &[
                    Row {
                        label: "64 B",
                        series: &each("thread_64_b"),
                    },
                    Row {
                        label: "64 KiB",
                        series: &each("thread_64_kib"),
                    },
                    Row {
                        label: "1 MiB",
                        series: &each("thread_1_mib"),
                    },
                    Row {
                        label: "16 MiB",
                        series: &each("thread_16_mib"),
                    },
                ],
            },
            Section {
                title: "a process",
                rows: &[
                    Row {
                        label: "64 B",
                        series: &each("process_64_b"),
                    },
                    Row {
                        label: "64 KiB",
                        series: &each("process_64_kib"),
                    },
                    Row {
                        label: "1 MiB",
                        series: &each("process_1_mib"),
                    },
                    Row {
                        label: "16 MiB",
                        series: &each("process_16_mib"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 31, quick: 7 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let same = need!(run, "thread_same_object").min();
    let seen = need!(run, "thread_write_seen").min();
    let copies = need!(run, "process_write_seen").max();
    let Some(objects) = run.given("sizes") else {
        return Verdict::not_shown("the record does not say how many objects there were");
    };
    if same < objects || seen < objects {
        let (objects, same, seen) = (count(objects), count(same), count(seen));
        return Verdict::does_not_hold(
            run,
            &format!(
                "a thread gave back {same} of {objects} objects as the same, and its write was seen on {seen}"
            ),
        );
    }
    if copies > 0.0 {
        let copies = count(copies);
        return Verdict::not_shown(&format!(
            "a process's write was seen on {copies} objects too, so processes share here as well"
        ));
    }
    let why = "a thread gave back the same objects with its writes on them, and a process's writes stayed in the process";
    let aa = match aa(run, "thread_64_b_again", "thread_64_b") {
        Ok(aa) => digits(aa),
        Err(busy) => return Verdict::holds(&format!("{why} ({busy})")),
    };
    let thread = ratio(run, "thread_16_mib", "thread_64_b");
    let process = ratio(run, "process_16_mib", "process_64_b");
    match (thread, process) {
        (Some(thread), _) if thread > 4.0 => Verdict::holds_but(&format!(
            "handing over 16 MiB took {} times as long as 64 B (A/A {aa})",
            digits(thread)
        )),
        (Some(thread), Some(process)) => Verdict::holds(&format!(
            "{why}; 16 MiB to a thread take {} times as long as 64 B, and to a process {} times (A/A {aa})",
            digits(thread),
            digits(process)
        )),
        _ => Verdict::holds(why),
    }
}

const SIZES: [usize; 4] = [64, 64 << 10, 1 << 20, 16 << 20];
/// Each metric with the index of its size. 64 B twice: how far may two equal things lie apart?
const BY_THREAD: [(&str, usize); 5] = [
    ("thread_64_b", 0),
    ("thread_64_kib", 1),
    ("thread_1_mib", 2),
    ("thread_16_mib", 3),
    ("thread_64_b_again", 0),
];
const BY_PROCESS: [(&str, usize); 4] = [
    ("process_64_b", 0),
    ("process_64_kib", 1),
    ("process_1_mib", 2),
    ("process_16_mib", 3),
];
/// A single hand-over to a thread is too short to time well, so each sample is the mean of as many, for a process too.
const HAND_OVERS: usize = 5;

fn experiment(rounds: usize) -> io::Result<()> {
    let cpus = cpus();
    let (mut requests, mut request) = io::pipe()?;
    let (mut answers, mut answer) = io::pipe()?;
    let _server = Server::start(|| {
        pin(&cpus, 1);
        loop {
            let Ok(mut object) = recv(&mut requests) else {
                return Ok(());
            };
            object[0] = 1;
            send(&mut answer, &object)?;
        }
    })?; // before there is a second thread

    let (to_thread, requests) = mpsc::channel::<Vec<u8>>();
    let (back, from_thread) = mpsc::channel();
    let other = cpus.clone();
    thread::spawn(move || {
        pin(&other, 1);
        for mut object in requests {
            object[0] = 1;
            if back.send(object).is_err() {
                break;
            }
        }
    });
    pin(&cpus, 0);

    let by_thread = |object: &mut Vec<u8>| {
        let gone = || io::Error::other("the thread is gone");
        object[0] = 0;
        let before = object.as_ptr();
        let time = mean_of(|| {
            to_thread.send(std::mem::take(object)).map_err(|_| gone())?;
            *object = from_thread.recv().map_err(|_| gone())?;
            Ok(())
        })?;
        io::Result::Ok((time, object.as_ptr() == before, object[0] == 1))
    };
    let mut by_process = |object: &mut Vec<u8>| {
        object[0] = 0;
        let mut back = Vec::new();
        let time = mean_of(|| {
            send(&mut request, object)?;
            back = recv(&mut answers)?;
            Ok(())
        })?;
        if back.first() != Some(&1) || back.len() != object.len() {
            return Err(io::Error::other("the process gave back something else"));
        }
        io::Result::Ok((time, object[0] == 1))
    };

    let mut objects = SIZES.map(|size| vec![0; size]);
    let given = json!({
        "sizes": SIZES.len(),
        "largest_bytes": SIZES[3],
        "hand_overs_per_sample": HAND_OVERS,
    });
    report(rounds, 1, &given, |number| {
        let mut round = Round::new();
        let (mut same, mut seen, mut copies) = (0, 0, 0);
        for (name, size) in rotated(BY_THREAD, number) {
            let (time, is_same, shows) = by_thread(&mut objects[size])?;
            round.insert(name, Some(time));
            if name != "thread_64_b_again" {
                same += u8::from(is_same);
                seen += u8::from(shows);
            }
        }
        for (name, size) in rotated(BY_PROCESS, number) {
            let (time, shows) = by_process(&mut objects[size])?;
            round.insert(name, Some(time));
            copies += u8::from(shows);
        }
        round.insert("thread_same_object", Some(same.into()));
        round.insert("thread_write_seen", Some(seen.into()));
        round.insert("process_write_seen", Some(copies.into()));
        Ok(round)
    })
}

/// Returns the mean time of some hand-overs, after one that brings both sides and their CPUs back to work.
fn mean_of(mut hand_over: impl FnMut() -> io::Result<()>) -> io::Result<f64> {
    hand_over()?;
    let all = micros(|| (0..HAND_OVERS).try_for_each(|_| hand_over()))?;
    Ok(all / HAND_OVERS as f64)
}

fn send(pipe: &mut impl Write, object: &[u8]) -> io::Result<()> {
    pipe.write_all(&object.len().to_le_bytes())?;
    pipe.write_all(object)
}

/// Receives an object into memory of its own, as a new object needs it.
fn recv(pipe: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    pipe.read_exact(&mut length)?;
    let mut object = vec![0; usize::from_le_bytes(length)];
    pipe.read_exact(&mut object)?;
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    fn judged(same: f64, process_seen: f64, again: f64, thread_16: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("thread_same_object", &[4.0, same]),
            ("thread_write_seen", &[4.0, 4.0]),
            ("process_write_seen", &[0.0, process_seen]),
            ("thread_64_b", &[20.0]),
            ("thread_64_b_again", &[again]),
            ("thread_16_mib", &[thread_16]),
            ("process_64_b", &[50.0]),
            ("process_16_mib", &[15_000.0]),
        ];
        sample::judged(&CLAIM, &[("sizes", 4)], samples)
    }

    #[test]
    fn it_holds_by_identity_and_adds_times_when_they_can_be_compared() {
        let verdict = judged(4.0, 0.0, 21.0, 22.0);
        assert_eq!(verdict.outcome, Outcome::Holds);
        let says = "16 MiB to a thread take 1.10 times as long as 64 B, and to a process 300 times (A/A 1.05)";
        assert!(verdict.text.ends_with(says), "{verdict}");
        let busy = judged(4.0, 0.0, 30.0, 200.0);
        assert_eq!(busy.outcome, Outcome::Holds);
        assert!(busy.text.contains("A/A 1.50"), "{busy}");
        assert_eq!(
            judged(4.0, 0.0, 20.0, 100.0).text,
            "holds, but handing over 16 MiB took 5.00 times as long as 64 B (A/A 1.00)"
        );
    }

    #[test]
    fn it_does_not_hold_when_a_thread_gets_a_copy_and_shows_nothing_when_a_process_shares() {
        let copied = judged(3.0, 0.0, 20.0, 20.0);
        assert_eq!(copied.outcome, Outcome::DoesNotHold);
        let says = "a thread gave back 3 of 4 objects as the same";
        assert!(copied.text.contains(says), "{copied}");
        assert_eq!(judged(4.0, 1.0, 20.0, 20.0).outcome, Outcome::NotShown);
    }
}
