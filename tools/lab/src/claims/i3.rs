//! I3: if the process at the other end dies, you notice.
//!
//! A process is killed with SIGKILL while this one waits for it: at a pipe, a socket, a lock, a queue. When does the wait end?

use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, report};
use crate::format::count;
use crate::sys::{Server, cpus, pin};
use crate::{Language, Run, Unit, Verdict, need};
use os::memory::{Mapping, Ordering};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const MICROS: Unit = Unit::MICROS;
const WAITS: Unit = Unit::count("wait", "waits");

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "I3",
    sentence: "If the process at the other end dies, you notice.",
    metrics: &[
        Metric::both("told", WAITS, "waits that the kernel ended"),
        Metric::both("told_of", WAITS, "waits that the kernel should end"),
        Metric::both("silent_told", WAITS, "other waits that ended").always(0.0),
        Metric::both("pipe_read", MICROS, "read from a pipe: EOF"),
        Metric::both("pipe_write", MICROS, "write to a full pipe: EPIPE"),
        Metric::both("socket_read", MICROS, "read from a Unix socket: EOF"),
        Metric::python("connection", MICROS, "Connection.recv: EOFError"),
        Metric::both("pidfd", MICROS, "wait for the process: pidfd"),
        Metric::both("flock", MICROS, "flock that it held"),
        Metric::rust("robust", MICROS, "robust mutex that it held: EOWNERDEAD"),
        Metric::both("lock", MICROS, "lock in shared memory that it held"),
        Metric::python("queue", MICROS, "Queue.get"),
        Metric::both(
            "inherited",
            MICROS,
            "read, while a sibling holds the write end",
        ),
    ],
    rule: "The process at the other end is killed with SIGKILL while this one waits. The kernel knows of some waits (for a pipe, a socket, a file lock, the \
        process itself), but not of others (for a lock in shared memory, a Queue, a pipe whose write end a sibling holds). It holds if every wait ends in \
        every round. But: if all waits of the first kind end, and none of the second within 100 ms, then only the kernel reports the death, and only what it \
        knows. It does not hold if a wait of the first kind does not end.",
    judge,
    chart: Chart {
        title: "Time until the survivor notices, after SIGKILL",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "the kernel reports it",
                rows: &[
                    Row {
                        label: "pipe, read: EOF",
                        series: &each("pipe_read"),
                    },
                    Row {
                        label: "pipe, write: EPIPE",
                        series: &each("pipe_write"),
                    },
                    Row {
                        label: "Unix socket, read: EOF",
                        series: &each("socket_read"),
                    },
                    Row {
                        label: "Connection.recv: EOFError",
                        series: &python("connection"),
                    },
                    Row {
                        label: "pidfd",
                        series: &each("pidfd"),
                    },
                    Row {
                        label: "flock",
                        series: &each("flock"),
                    },
                    Row {
                        label: "robust mutex",
                        series: &[Series(Runtimes::Named("rust"), "robust")],
                    },
                ],
            },
            Section {
                title: "nobody reports it: gave up after 100 ms",
                rows: &[
                    Row {
                        label: "lock in shared memory",
                        series: &each("lock"),
                    },
                    Row {
                        label: "Queue.get",
                        series: &python("queue"),
                    },
                    Row {
                        label: "pipe, a sibling holds the end",
                        series: &each("inherited"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 15, quick: 5 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let (told, of) = (need!(run, "told"), need!(run, "told_of"));
    let silent = need!(run, "silent_told");
    if told.min() < of.max() {
        let (told, of) = (count(told.min()), count(of.max()));
        return Verdict::does_not_hold(
            run,
            &format!("only {told} of {of} waits that the kernel knows of ended"),
        );
    }
    let Some(tried) = run.given("silent") else {
        return Verdict::not_shown("the record does not say how many waits there were");
    };
    if silent.min() >= tried {
        return Verdict::holds("every wait ended, even those that the kernel does not know of");
    }
    if silent.max() > 0.0 {
        return Verdict::not_shown("some waits ended in some rounds only");
    }
    let whose = match run.runtime.language {
        Language::Rust => "a lock in shared memory",
        Language::Python => "a Lock, a Queue",
    };
    Verdict::holds_but(&format!(
        "only the kernel reports it, and only what it knows: {whose} and a pipe whose end a sibling holds reported nothing in {} rounds",
        count(silent.samples as f64)
    ))
}

/// How long this end waits for a sign that does not come.
const LIMIT: Duration = Duration::from_millis(100);

/// Starts a process that prepares itself, says so, and then sleeps until it is killed.
fn victim(prepare: impl FnOnce() -> io::Result<()>) -> io::Result<Server> {
    let (mut ready, mut say) = io::pipe()?;
    let server = Server::start(|| {
        prepare()?;
        say.write_all(b"!")?;
        loop {
            std::thread::park();
        }
    })?;
    ready.read_exact(&mut [0])?;
    Ok(server)
}

/// Kills a process. Returns how long it takes until `notice` returns, and whether it noticed.
fn until_noticed(
    victim: &Server,
    notice: impl FnOnce() -> io::Result<bool>,
) -> io::Result<(f64, bool)> {
    let start = Instant::now();
    victim.kill();
    let noticed = notice()?;
    Ok((start.elapsed().as_nanos() as f64 / 1e3, noticed))
}

/// Waits until there is something to read, or LIMIT has passed.
fn readable(file: impl AsFd) -> io::Result<bool> {
    let limit = Timespec::try_from(LIMIT).map_err(io::Error::other)?;
    let mut files = [PollFd::new(&file, PollFlags::IN)];
    Ok(poll(&mut files, Some(&limit))? > 0)
}

fn pipe_read() -> io::Result<(f64, bool)> {
    let (mut reader, writer) = io::pipe()?;
    let victim = victim(|| Ok(()))?;
    drop(writer); // or this end would hold the pipe open itself
    until_noticed(&victim, || Ok(reader.read(&mut [0])? == 0))
}

fn pipe_write() -> io::Result<(f64, bool)> {
    let (reader, mut writer) = io::pipe()?;
    let victim = victim(|| Ok(()))?;
    drop(reader);
    rustix::io::ioctl_fionbio(&writer, true)?;
    while writer.write(&[0; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false)?;
    until_noticed(&victim, || {
        let written = writer.write(b"!"); // waits for room, as the pipe is full
        Ok(written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
    })
}

fn socket_read() -> io::Result<(f64, bool)> {
    let (mut here, there) = UnixStream::pair()?;
    let victim = victim(|| Ok(()))?;
    drop(there);
    until_noticed(&victim, || Ok(here.read(&mut [0])? == 0))
}

#[cfg(target_os = "linux")]
fn pidfd() -> io::Result<Option<(f64, bool)>> {
    let victim = victim(|| Ok(()))?;
    let Some(pid) = victim.pid() else {
        return Ok(None);
    };
    let fd = os::process::PidFd::open(pid)?;
    until_noticed(&victim, || fd.wait_timeout(Duration::from_secs(60))).map(Some)
}

/// A file without a name. Each side opens it anew: an inherited descriptor would be the same lock.
#[cfg(target_os = "linux")]
fn flock() -> io::Result<Option<(f64, bool)>> {
    let file = rustix::fs::memfd_create("lab", rustix::fs::MemfdFlags::CLOEXEC)?;
    let path = format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        std::os::fd::AsRawFd::as_raw_fd(&file)
    );
    let mut held = None;
    let victim = victim(|| held.insert(File::open(&path)?).lock())?;
    let own = File::open(&path)?;
    until_noticed(&victim, || own.lock().map(|()| true)).map(Some)
}

#[cfg(target_os = "linux")]
fn robust() -> io::Result<Option<(f64, bool)>> {
    let mutex = crate::shared::RobustMutex::new()?;
    let victim = victim(|| mutex.lock().map(|_| ()))?;
    until_noticed(&victim, || mutex.lock()).map(Some)
}

#[cfg(not(target_os = "linux"))]
fn pidfd() -> io::Result<Option<(f64, bool)>> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn flock() -> io::Result<Option<(f64, bool)>> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn robust() -> io::Result<Option<(f64, bool)>> {
    Ok(None)
}

fn lock() -> io::Result<(f64, bool)> {
    let mapping = Mapping::shared(1)?;
    let take = || {
        let lock = mapping.word(0);
        lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    };
    let victim = victim(|| {
        take();
        Ok(())
    })?;
    until_noticed(&victim, || {
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            if take() {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(false)
    })
}

fn inherited() -> io::Result<(f64, bool)> {
    let (reader, writer) = io::pipe()?;
    let dies = victim(|| Ok(()))?;
    let _sibling = victim(|| Ok(()))?; // inherits `writer`, and doesn't know
    drop(writer);
    until_noticed(&dies, || readable(&reader))
}

fn experiment(rounds: usize) -> io::Result<()> {
    pin(&cpus(), 0);
    let given = json!({ "limit_ms": LIMIT.as_millis() as u64, "silent": 2 });
    report(rounds, 1, &given, |_| {
        let told = [
            ("pipe_read", Some(pipe_read()?)),
            ("pipe_write", Some(pipe_write()?)),
            ("socket_read", Some(socket_read()?)),
            ("pidfd", pidfd()?),
            ("flock", flock()?),
            ("robust", robust()?),
        ];
        let silent = [("lock", Some(lock()?)), ("inherited", Some(inherited()?))];
        let noticed = |all: &[(_, Option<(f64, bool)>)]| {
            let noticed = all.iter().filter_map(|(_, one)| *one);
            noticed.filter(|(_, noticed)| *noticed).count() as f64
        };
        let tried = told.iter().filter(|(_, one)| one.is_some()).count() as f64;
        let mut round = Round::from([
            ("told", Some(noticed(&told))),
            ("told_of", Some(tried)),
            ("silent_told", Some(noticed(&silent))),
        ]);
        for (name, one) in told.into_iter().chain(silent) {
            round.insert(name, one.map(|(time, _)| time));
        }
        Ok(round)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    fn judged(told: f64, silent: &[f64]) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("told", &[6.0, told]),
            ("told_of", &[6.0, 6.0]),
            ("silent_told", silent),
        ];
        sample::judged(&CLAIM, &[("silent", 3)], samples)
    }

    #[test]
    fn waits_at_the_kernel_are_told_from_the_others() {
        let kernel = judged(6.0, &[0.0, 0.0]);
        assert_eq!(kernel.outcome, Outcome::HoldsBut);
        assert_eq!(
            kernel.text,
            "holds, but only the kernel reports it, and only what it knows: a Lock, a Queue and a pipe whose end a sibling holds reported nothing in 2 rounds"
        );
        assert_eq!(judged(6.0, &[3.0, 3.0]).outcome, Outcome::Holds);
    }

    #[test]
    fn one_wait_without_an_end_is_enough_and_some_rounds_are_not() {
        assert_eq!(judged(5.0, &[0.0, 0.0]).outcome, Outcome::DoesNotHold);
        assert_eq!(judged(6.0, &[0.0, 1.0]).outcome, Outcome::NotShown);
    }
}
