//! C2: threading makes threads, inside one process.
//!
//! Four threads, four processes and, in Python, four asyncio tasks: how many threads does the kernel see, under how many
//! pids? And do the others go on while one of them is blocked?

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, report};
use crate::format::count;
use crate::sys::thread_id;
use crate::{Run, Unit, Verdict, need};
use os::process::fork;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

const THREADS: Unit = Unit::count("thread", "threads");
const PIDS: Unit = Unit::count("pid", "pids");

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "C2",
    sentence: "Threading makes threads inside one process.",
    metrics: &[
        Metric::both(
            "thread_adds",
            THREADS,
            "kernel threads that four threads add",
        )
        .always(4.0),
        Metric::both(
            "process_adds",
            THREADS,
            "… that four processes add to this one",
        )
        .always(0.0),
        Metric::python("coroutine_adds", THREADS, "… that four asyncio tasks add").always(0.0),
        Metric::both("thread_ids", THREADS, "kernel ids of four threads").always(4.0),
        Metric::python("coroutine_ids", THREADS, "kernel ids of four asyncio tasks").always(1.0),
        Metric::both("thread_pids", PIDS, "pids that four threads see").always(1.0),
        Metric::both("process_pids", PIDS, "pids that four processes see").always(4.0),
        Metric::both(
            "went_on",
            THREADS,
            "threads that end while another is blocked",
        )
        .always(3.0),
    ],
    rule: "It holds if each of four threads has a kernel id of its own, all see one pid, and the other three end while one is blocked in a read. \
        Where the kernel lists a process's threads, the list must grow by four. \
        It does not hold if two threads share a kernel id, or see two pids.",
    judge,
    chart: Chart {
        title: "Threads that the kernel schedules for this process, added by …",
        axis: Axis {
            scale: Scale::Linear,
            share_of: None,
        },
        sections: &[Section {
            title: "",
            rows: &[
                Row {
                    label: "four threads",
                    series: &each("thread_adds"),
                },
                Row {
                    label: "four processes",
                    series: &each("process_adds"),
                },
                Row {
                    label: "four asyncio tasks",
                    series: &[Series(Runtimes::Named("python"), "coroutine_adds")],
                },
            ],
        }],
    },
    rounds: Rounds { full: 11, quick: 3 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let Some(workers) = run.given("workers") else {
        return Verdict::not_shown("the record does not say how many threads there were");
    };
    let ids = need!(run, "thread_ids").min();
    let pids = need!(run, "thread_pids").max();
    let went_on = need!(run, "went_on").min();
    let words = count(workers);
    if ids < workers || pids > 1.0 {
        let (ids, pids) = (count(ids), count(pids));
        return Verdict::does_not_hold(
            run,
            &format!("{words} threads had {ids} kernel ids and saw {pids} pids"),
        );
    }
    if went_on < workers - 1.0 {
        return Verdict::does_not_hold(run, "a blocked thread held up the others");
    }
    match run.get("thread_adds") {
        Some(added) if added.min() < workers => Verdict::not_shown(&format!(
            "the kernel's list grew by {} for {words} threads",
            count(added.min())
        )),
        _ => Verdict::holds(&format!(
            "{words} threads have {words} kernel ids and one pid, and three ended while the fourth was blocked"
        )),
    }
}

const WORKERS: usize = 4;

fn experiment(rounds: usize) -> io::Result<()> {
    report(rounds, 0, &json!({ "workers": WORKERS }), |_| {
        let mut round = Round::new();
        of_processes(&mut round)?; // forks, so it comes before there is a second thread
        of_threads(&mut round)?;
        Ok(round)
    })
}

/// Counts those of `ids` that the kernel schedules as threads of this process, where it lists them.
fn added(ids: &BTreeSet<u32>) -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let listed = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
    Some(listed.filter(|id| ids.contains(id)).count() as f64)
}

fn of_processes(round: &mut Round) -> io::Result<()> {
    let children = (0..WORKERS).map(|_| fork(|| Ok(std::process::id())));
    let children: Vec<_> = children.collect::<Result<_, _>>()?;
    let pids = children.iter().map(os::process::Child::pid).collect();
    round.insert("process_adds", added(&pids));
    let pids = children.into_iter().map(os::process::Child::wait);
    let pids: BTreeSet<_> = pids.collect::<Result<_, _>>()?;
    round.insert("process_pids", Some(pids.len() as f64));
    Ok(())
}

/// One thread is blocked in a read, the others wait for a barrier. They end before anything is written.
fn of_threads(round: &mut Round) -> io::Result<()> {
    let (mut reader, mut writer) = io::pipe()?;
    let (ready, go) = (Barrier::new(WORKERS + 1), Barrier::new(WORKERS));
    let seen = Mutex::new((BTreeSet::new(), BTreeSet::new()));
    let appear = || {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0.insert(std::process::id());
        seen.1.insert(thread_id());
        drop(seen);
        ready.wait();
    };
    let went_on = thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            appear();
            let _ = reader.read(&mut [0]);
        });
        let others = [(); WORKERS - 1].map(|()| {
            scope.spawn(|| {
                appear();
                go.wait();
            })
        });
        ready.wait();
        let ids = &seen.lock().unwrap_or_else(PoisonError::into_inner).1;
        round.insert("thread_adds", added(ids));
        go.wait();
        let ended = others.map(|thread| thread.join().is_ok());
        let ended = ended.into_iter().filter(|ended| *ended).count();
        let went_on = if blocked.is_finished() { 0 } else { ended };
        writer.write_all(&[1])?;
        io::Result::Ok(went_on)
    })?;
    let (pids, ids) = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    round.insert("thread_pids", Some(pids.len() as f64));
    round.insert("thread_ids", Some(ids.len() as f64));
    round.insert("went_on", Some(went_on as f64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    fn judged(ids: f64, pids: f64, went_on: f64, adds: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("thread_ids", &[4.0, ids]),
            ("thread_pids", &[1.0, pids]),
            ("went_on", &[3.0, went_on]),
            ("thread_adds", &[4.0, adds]),
        ];
        sample::judged(&CLAIM, &[("workers", 4)], samples)
    }

    #[test]
    fn kernel_threads_of_one_process_hold() {
        assert_eq!(
            judged(4.0, 1.0, 3.0, 4.0).text,
            "holds: 4 threads have 4 kernel ids and one pid, and three ended while the fourth was blocked"
        );
    }

    #[test]
    fn green_threads_and_processes_do_not() {
        assert_eq!(judged(1.0, 1.0, 3.0, 4.0).outcome, Outcome::DoesNotHold);
        assert_eq!(judged(4.0, 4.0, 3.0, 4.0).outcome, Outcome::DoesNotHold);
        assert_eq!(judged(4.0, 1.0, 0.0, 4.0).outcome, Outcome::DoesNotHold);
        assert_eq!(judged(4.0, 1.0, 3.0, 0.0).outcome, Outcome::NotShown);
    }
}
