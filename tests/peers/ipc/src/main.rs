//! Measures the reference answers of the chapter on IPC beside other ways to do the same, interleaved in one run, and writes
//! what came out as JSON. `run.sh` builds it, names Python, and says where the record goes.

mod contestants;
mod python;
mod record;

use contestants::{
    Contestant, cache_line, framed, framed_socket, iceoryx, ipc_channel, parts, pipe, ring, socket,
};
use record::Row;
use std::io;
use std::time::{Duration, Instant};

/// Rounds in which every contestant of a row gets its turn.
const ROUNDS: usize = 21;
/// How long a turn lasts, about.
const TURN: Duration = Duration::from_millis(12);

type Start<'a> = Box<dyn FnOnce() -> io::Result<Contestant> + 'a>;

/// A goal: the ratio ours / peer that it asks for, and whether ours must be below or above.
#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

pub struct Peer<'a> {
    name: &'a str,
    start: Start<'a>,
    goal: Option<(Goal, &'a str)>,
}

fn peer<'a>(
    name: &'a str,
    start: impl FnOnce() -> io::Result<Contestant> + 'a,
    goal: Option<(Goal, &'a str)>,
) -> Peer<'a> {
    Peer {
        name,
        start: Box::new(start),
        goal,
    }
}

fn main() -> io::Result<()> {
    let python = std::env::args().nth(1);
    let python = python.as_deref();
    contestants::pin(0);
    let (kib, mib) = (4 << 10, 1 << 20);
    use Goal::{AtLeast, AtMost};
    let mut rows = vec![
        row(
            "aa",
            "the ring beside itself, 64 B there and back: how far two equal things differ here",
            Unit::Micros,
            ("ring", Box::new(|| ring(64))),
            vec![peer("ring", || ring(64), None)],
        )?,
        row(
            "ring_64",
            "64 B there and back, two processes, each on a processor of its own",
            Unit::Micros,
            ("ring", Box::new(|| ring(64))),
            vec![
                peer(
                    "a bare cache line",
                    cache_line,
                    Some((AtMost(3.0), "at most 3 times its time")),
                ),
                peer("a part: two counters", || parts(0), None),
                peer("a part: counters and message", || parts(9), None),
                peer(
                    "iceoryx2, polling",
                    || iceoryx(64),
                    Some((AtMost(0.6), "at most 0.6 times its time")),
                ),
                peer(
                    "pipes",
                    || pipe(64),
                    Some((AtMost(0.1), "at most a tenth of its time")),
                ),
                peer(
                    "ipc-channel",
                    || ipc_channel(64),
                    Some((AtMost(1.0 / 16.0), "at most a sixteenth of its time")),
                ),
            ],
        )?,
        row(
            "ring_4k",
            "4 KiB there and back",
            Unit::Micros,
            ("ring", Box::new(move || ring(kib))),
            vec![peer(
                "pipes",
                move || pipe(kib),
                Some((AtMost(0.25), "at most a quarter of its time")),
            )],
        )?,
        row(
            "framed_64",
            "64 B there and back through pipes, in frames",
            Unit::Micros,
            ("worker", Box::new(|| contestants::worker(64))),
            vec![peer(
                "pipes without frames",
                || pipe(64),
                Some((AtMost(1.1), "at most 1.1 times its time")),
            )],
        )?,
    ];
    let mut with_python = vec![peer(
        "Unix socket",
        move || socket(mib),
        Some((AtLeast(2.4), "at least 2.4 times as much")),
    )];
    if let Some(python) = python {
        with_python.push(peer(
            "Python shared_memory",
            move || python::start(python, "shared_memory", mib),
            Some((AtLeast(2.4), "at least 2.4 times as much")),
        ));
    }
    rows.push(row(
        "ring_1m",
        "messages of 1 MiB, one after the other",
        Unit::PerSecond,
        ("ring", Box::new(move || contestants::ring_stream(mib))),
        with_python,
    )?);
    if let Some(python) = python {
        rows.push(row(
            "frames_64",
            "frames of 64 B, one way through a pipe; ours through a BufWriter and a BufReader",
            Unit::PerSecond,
            ("frames", Box::new(|| framed(64, true))),
            vec![
                peer(
                    "multiprocessing.Pipe",
                    || python::start(python, "pipe", 64),
                    Some((AtLeast(5.0), "at least 5 times as many")),
                ),
                peer("frames, a write for each", || framed(64, false), None),
            ],
        )?);
        rows.push(row(
            "frames_1m",
            "frames of 1 MiB, one way through a Unix socket",
            Unit::PerSecond,
            ("frames", Box::new(move || framed_socket(mib))),
            vec![
                peer(
                    "multiprocessing.Pipe, its default",
                    move || python::start(python, "duplex", mib),
                    Some((AtLeast(4.0), "at least 4 times as many")),
                ),
                peer(
                    "multiprocessing.Pipe(duplex=False)",
                    move || python::start(python, "pipe", mib),
                    None,
                ),
                peer("frames through a pipe", move || framed(mib, false), None),
            ],
        )?);
    }
    record::write(&rows, python)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Micros,
    PerSecond,
}

impl Unit {
    fn of(self, time: Duration, count: u64) -> f64 {
        match self {
            Self::Micros => time.as_secs_f64() * 1e6 / count as f64,
            Self::PerSecond => count as f64 / time.as_secs_f64(),
        }
    }
}

/// Lets all contestants of a row take turns.
fn row<'a>(
    id: &'static str,
    what: &'static str,
    unit: Unit,
    ours: (&'a str, Start<'a>),
    peers: Vec<Peer<'a>>,
) -> io::Result<Row> {
    eprintln!("{what}");
    let mut names = vec![(ours.0.to_owned(), None)];
    let mut all = vec![(ours.1)()?];
    for peer in peers {
        match (peer.start)() {
            Ok(contestant) => {
                names.push((peer.name.to_owned(), peer.goal));
                all.push(contestant);
            }
            Err(error) => eprintln!("  {}: {error}", peer.name),
        }
    }
    // To warm up and to find out how many fill the time. The shortest of three counts: a child that begins late would otherwise
    // end the search too soon, and each turn would measure little else than how a stopped process wakes.
    let mut counts = Vec::new();
    for contestant in &mut all {
        let mut count = 1;
        counts.push(loop {
            let mut shortest = Duration::MAX;
            for _ in 0..3 {
                shortest = shortest.min(contestant.run(count)?);
            }
            if shortest >= TURN / 2 || count > 1 << 22 {
                break count;
            }
            count *= 2;
        });
    }
    let mut measured = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        for turn in 0..all.len() {
            let at = (turn + round) % all.len(); // nobody always goes first
            let time = all[at].run(counts[at])?;
            measured[at].push(unit.of(time, counts[at]));
        }
    }
    // The newest first: a forked contestant holds a copy of the pipe whose end an older Python waits for.
    while all.pop().is_some() {}
    Ok(Row::new(id, what, unit, &names, &measured))
}

/// How long `body` takes.
pub fn timed(body: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let begun = Instant::now();
    body()?;
    Ok(begun.elapsed())
}
