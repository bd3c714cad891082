//! I2: shared memory is the fastest way to talk to another process.
//!
//! 64 bytes and 1 MiB go to another process and come back, through each kind of channel. In Rust, shared memory also with
//! both sides spinning instead of asleep, and what waiting costs either way.

use crate::channels::{End, Ends, memory, pipes, sockets};
use crate::chart::{Axis, Chart, Row, Runtimes, Scale, Section, Series, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, micros, report};
use crate::format::digits;
use crate::rule::{aa, ratio};
use crate::sys::{Server, cpus, pin};
use crate::{Language, Run, Unit, Verdict, need};
use serde_json::json;
use std::io::{self, PipeWriter, Read, Write};
use std::time::Duration;

const MICROS: Unit = Unit::MICROS;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "I2",
    sentence: "Shared memory is the fastest way to talk to another process.",
    metrics: &[
        Metric::both("pipe_64_b", MICROS, "64 B by pipe"),
        Metric::both("pipe_64_b_again", MICROS, "… the same again (A/A)"),
        Metric::both("socket_64_b", MICROS, "64 B by Unix socket"),
        Metric::both("shared_64_b", MICROS, "64 B by shared memory, asleep"),
        Metric::rust("spin_64_b", MICROS, "64 B by shared memory, spinning"),
        Metric::python("mp_bytes_64_b", MICROS, "64 B by Pipe.send_bytes"),
        Metric::python("mp_objects_64_b", MICROS, "64 B by Pipe.send"),
        Metric::python("queue_64_b", MICROS, "64 B by Queue"),
        Metric::both("pipe_1_mib", MICROS, "1 MiB by pipe"),
        Metric::both("socket_1_mib", MICROS, "1 MiB by Unix socket"),
        Metric::both("shared_1_mib", MICROS, "1 MiB by shared memory, asleep"),
        Metric::both("shared_1_mib_again", MICROS, "… the same again (A/A)"),
        Metric::rust("spin_1_mib", MICROS, "1 MiB by shared memory, spinning"),
        Metric::python("mp_bytes_1_mib", MICROS, "1 MiB by Pipe.send_bytes"),
        Metric::python("mp_objects_1_mib", MICROS, "1 MiB by Pipe.send"),
        Metric::python("queue_1_mib", MICROS, "1 MiB by Queue"),
        Metric::rust(
            "idle_asleep",
            MICROS,
            "CPU time of 20 ms of waiting, asleep",
        ),
        Metric::rust(
            "idle_spinning",
            MICROS,
            "CPU time of 20 ms of waiting, spinning",
        ),
    ],
    rule: "Medians of round trips are compared, and only if the pipe at 64 bytes and shared memory at 1 MiB, each measured against itself (A/A), come out within \
        0.9 to 1.1. It holds if 1 MiB through shared memory takes at most 0.9 times as long as through the faster of pipe and socket. But: if 64 bytes take at \
        least 0.6 times as long, then the cost is waking the other side, and shared memory saves little of it. It does not hold if, in five rounds or more, 1 \
        MiB through shared memory took longer in every round than through pipe or socket in any.",
    judge,
    chart: Chart {
        title: "Time to another process and back",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "64 B",
                rows: &[
                    Row {
                        label: "shared memory, spinning",
                        series: &[Series(Runtimes::Named("rust"), "spin_64_b")],
                    },
                    Row {
                        label: "shared memory, asleep",
                        series: &each("shared_64_b"),
                    },
                    Row {
                        label: "pipe",
                        series: &each("pipe_64_b"),
                    },
                    Row {
                        label: "Unix socket",
                        series: &each("socket_64_b"),
                    },
                    Row {
                        label: "Pipe.send_bytes",
                        series: &python("mp_bytes_64_b"),
                    },
                    Row {
                        label: "Pipe.send",
                        series: &python("mp_objects_64_b"),
                    },
                    Row {
                        label: "Queue",
                        series: &python("queue_64_b"),
                    },
                ],
            },
            Section {
                title: "1 MiB",
                rows: &[
                    Row {
                        label: "shared memory, spinning",
                        series: &[Series(Runtimes::Named("rust"), "spin_1_mib")],
                    },
                    Row {
                        label: "shared memory, asleep",
                        series: &each("shared_1_mib"),
                    },
                    Row {
                        label: "pipe",
                        series: &each("pipe_1_mib"),
                    },
                    Row {
                        label: "Unix socket",
                        series: &each("socket_1_mib"),
                    },
                    Row {
                        label: "Pipe.send_bytes",
                        series: &python("mp_bytes_1_mib"),
                    },
                    Row {
                        label: "Pipe.send",
                        series: &python("mp_objects_1_mib"),
                    },
                    Row {
                        label: "Queue",
                        series: &python("queue_1_mib"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 31, quick: 7 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let shared = need!(run, "shared_1_mib");
    let (pipe, socket) = (need!(run, "pipe_1_mib"), need!(run, "socket_1_mib"));
    if shared.samples >= 5 && shared.min() > pipe.max().min(socket.max()) {
        return Verdict::does_not_hold(
            run,
            "1 MiB took longer by shared memory in every round than by pipe or socket in any",
        );
    }
    let aa = match (
        aa(run, "pipe_64_b_again", "pipe_64_b"),
        aa(run, "shared_1_mib_again", "shared_1_mib"),
    ) {
        (Ok(small), Ok(large)) => format!("{} and {}", digits(small), digits(large)),
        (Err(busy), _) | (_, Err(busy)) => return Verdict::not_shown(&busy),
    };
    let fast = if pipe.median < socket.median {
        "pipe"
    } else {
        "socket"
    };
    let large = shared.median / pipe.median.min(socket.median);
    let why = format!("1 MiB took {} times as long as by {fast}", digits(large));
    if large > 0.9 {
        return Verdict::not_shown(&format!("{why} (A/A {aa})"));
    }
    match ratio(run, "shared_64_b", "pipe_64_b") {
        Some(small) if small >= 0.6 => {
            let spin = ratio(run, "spin_64_b", "pipe_64_b").map_or_else(String::new, |spin| {
                format!(", unless both sides spin ({} times)", digits(spin))
            });
            Verdict::holds_but(&format!(
                "only for large messages: {why}, and 64 B {} times as long as by pipe, since the cost is waking the other side{spin} (A/A {aa})",
                digits(small)
            ))
        }
        Some(small) => Verdict::holds(&format!(
            "{why}, and 64 B {} times as long as by pipe (A/A {aa})",
            digits(small)
        )),
        None => Verdict::holds(&format!("{why} (A/A {aa})")),
    }
}

const SMALL: usize = 64;
const LARGE: usize = 1 << 20;
/// A size, the number of batches of which a sample is the median, and the number of round trips of which a batch is the
/// mean: one trip of 64 bytes is too short to time well, and a busy machine may interrupt a batch or two.
const BATCHES: [(usize, u8, u8); 2] = [(SMALL, 5, 8), (LARGE, 3, 1)];

/// How long a peer is left waiting, to see what that costs.
const IDLE: Duration = Duration::from_millis(20);

/// A process that sends back what it gets. Between the samples it waits on a pipe, so that nobody spins meanwhile.
struct Peer {
    name: &'static str,
    here: Box<dyn End>,
    go: PipeWriter,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "ends with this value")
    )]
    server: Server,
}

impl Peer {
    fn new(name: &'static str, (here, mut there): Ends, cpus: &[usize]) -> io::Result<Self> {
        let (mut orders, go) = io::pipe()?;
        let server = Server::start(|| {
            pin(cpus, 1);
            let mut buffers = BATCHES.map(|(size, _, _)| vec![0; size]);
            loop {
                let mut order = [0; 2];
                orders.read_exact(&mut order)?;
                let buffer = &mut buffers[usize::from(order[0])];
                for _ in 0..order[1] {
                    there.recv(buffer)?;
                    there.send(buffer)?;
                }
            }
        })?;
        Ok(Self {
            name,
            here,
            go,
            server,
        })
    }

    /// Returns the time of a round trip, after one that brings both sides and their CPUs back to work.
    fn time(&mut self, which: u8, payload: &[u8]) -> io::Result<f64> {
        let (size, batches, trips) = BATCHES[usize::from(which)];
        let payload = &payload[..size];
        self.go.write_all(&[which, 1 + batches * trips])?;
        let mut back = vec![0; size];
        self.trip(payload, &mut back)?;
        if back != payload {
            return Err(io::Error::other("something else came back"));
        }
        let mut times = Vec::new();
        for _ in 0..batches {
            let batch = micros(|| (0..trips).try_for_each(|_| self.trip(payload, &mut back)))?;
            times.push(batch / f64::from(trips));
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }

    fn trip(&mut self, payload: &[u8], back: &mut [u8]) -> io::Result<()> {
        self.here.send(payload)?;
        self.here.recv(back)
    }

    /// Returns how much CPU time the peer uses while it waits for a message that comes after 20 ms.
    #[cfg(target_os = "linux")]
    fn idle(&mut self, payload: &[u8]) -> io::Result<Option<f64>> {
        self.go.write_all(&[0, 1])?;
        let before = self.server.cpu_time();
        std::thread::sleep(IDLE);
        let after = self.server.cpu_time();
        self.trip(&payload[..SMALL], &mut [0; SMALL])?;
        Ok(after.zip(before).map(|(after, before)| after - before))
    }
}

fn experiment(rounds: usize) -> io::Result<()> {
    let cpus = cpus();
    let payload: Vec<u8> = (0..LARGE).map(|n| (n % 251) as u8).collect();
    let mut ends = vec![("pipe", pipes()?), ("socket", sockets()?)];
    ends.extend(memory::both(LARGE)?);
    let mut peers = Vec::new();
    for (name, ends) in ends {
        // On one CPU the one that spins keeps the other one from running.
        if name != "spin" || cpus.len() > 1 {
            peers.push(Peer::new(name, ends, &cpus)?);
        }
    }
    pin(&cpus, 0);
    let given = json!({
        "idle_us": IDLE.as_micros() as u64,
        "small_bytes": SMALL,
        "large_bytes": LARGE,
        "trips_64_b": BATCHES[0].1 * BATCHES[0].2,
        "trips_1_mib": BATCHES[1].1 * BATCHES[1].2,
    });
    report(rounds, 1, &given, |number| {
        // What this machine has no means for stays without a value: shared memory, or a CPU to spin on.
        let mut round: Round = CLAIM
            .metrics_of(Language::Rust)
            .map(|metric| (metric.id, None))
            .collect();
        // All small ones first: a large one may use up this process's share of a busy CPU.
        for which in 0..BATCHES.len() {
            // One of them twice: measured against itself, how far may two equal things lie apart?
            let (again, twice) = [
                ("pipe_64_b_again", "pipe"),
                ("shared_1_mib_again", "shared"),
            ][which];
            let twice = peers.iter().position(|peer| peer.name == twice);
            let all = peers.iter().enumerate();
            let mut all: Vec<_> = all
                .map(|(at, peer)| (metrics(peer.name)[which], at))
                .chain(twice.map(|at| (again, at)))
                .collect();
            let begin = number % all.len();
            all.rotate_left(begin);
            for (metric, at) in all {
                round.insert(metric, Some(peers[at].time(which as u8, &payload)?));
            }
        }
        #[cfg(target_os = "linux")]
        for peer in &mut peers {
            let metric = match peer.name {
                "shared" => "idle_asleep",
                "spin" => "idle_spinning",
                _ => continue,
            };
            round.insert(metric, peer.idle(&payload)?);
        }
        Ok(round)
    })
}

fn metrics(channel: &str) -> [&'static str; 2] {
    match channel {
        "pipe" => ["pipe_64_b", "pipe_1_mib"],
        "socket" => ["socket_64_b", "socket_1_mib"],
        "shared" => ["shared_64_b", "shared_1_mib"],
        _ => ["spin_64_b", "spin_1_mib"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    fn judged(shared: [f64; 2], pipe: [f64; 2], again: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("shared_64_b", &[shared[0]; 5]),
            ("shared_1_mib", &[shared[1]; 5]),
            ("shared_1_mib_again", &[shared[1]; 5]),
            ("pipe_64_b", &[pipe[0]; 5]),
            ("pipe_64_b_again", &[again; 5]),
            ("pipe_1_mib", &[pipe[1]; 5]),
            ("socket_1_mib", &[1000.0; 5]),
        ];
        sample::judged(&CLAIM, &[], samples)
    }

    #[test]
    fn a_small_message_costs_a_wake_up_whatever_carries_it() {
        let both = judged([5.0, 300.0], [20.0, 1500.0], 21.0);
        assert_eq!(
            both.text,
            "holds: 1 MiB took 0.300 times as long as by socket, and 64 B 0.250 times as long as by pipe (A/A 1.05 and 1.00)"
        );
        let large = judged([20.0, 300.0], [20.0, 600.0], 20.0);
        assert_eq!(large.outcome, Outcome::HoldsBut);
        assert_eq!(
            large.text,
            "holds, but only for large messages: 1 MiB took 0.500 times as long as by pipe, and 64 B 1.00 times as long as by pipe, \
             since the cost is waking the other side (A/A 1.00 and 1.00)"
        );
    }

    #[test]
    fn times_decide_only_when_they_can() {
        let busy = judged([5.0, 300.0], [20.0, 1500.0], 30.0);
        assert_eq!(busy.outcome, Outcome::NotShown);
        assert!(busy.text.contains("A/A 1.50"), "{busy}");
        let close = judged([5.0, 950.0], [20.0, 1500.0], 20.0);
        assert_eq!(
            close.text,
            "not shown here: 1 MiB took 0.950 times as long as by socket (A/A 1.00 and 1.00)"
        );
        let slow = judged([5.0, 1001.0], [20.0, 1500.0], 20.0);
        assert_eq!(slow.outcome, Outcome::DoesNotHold);
    }
}
