//! M2: processes need IPC.
//!
//! 1 MiB goes to another process through each kind of channel. In Python the same amount also goes as objects, to see
//! how much of the time is pickling.

use crate::chart::{Axis, Chart, Row, Scale, Section, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, micros, report, rotated};
use crate::format::{count, digits};
use crate::rule::{aa, ratio};
use crate::sys::{Server, cpus, limit_lifetime, pin};
use crate::{Language, Run, Unit, Verdict, need};
use os::memory::Mapping;
use os::process::fork;
use serde_json::json;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::net::UnixStream;

const CHANNELS: Unit = Unit::count("channel", "channels");
const MICROS: Unit = Unit::MICROS;

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "M2",
    sentence: "So processes need IPC: pipes, sockets, shared memory.",
    metrics: &[
        Metric::both(
            "seen_without_channel",
            Unit::BYTES,
            "bytes that arrive without a channel",
        )
        .always(0.0),
        Metric::both("channels", CHANNELS, "channels tried"),
        Metric::both(
            "delivered",
            CHANNELS,
            "channels that delivered 1 MiB intact",
        ),
        Metric::both("pipe", MICROS, "1 MiB by pipe"),
        Metric::both("socket", MICROS, "1 MiB by Unix socket"),
        Metric::both("shared_memory", MICROS, "1 MiB by shared memory"),
        Metric::rust("memcpy", MICROS, "1 MiB copied within a process"),
        Metric::python("mp_pipe_bytes", MICROS, "multiprocessing.Pipe: bytes"),
        Metric::python("mp_queue_bytes", MICROS, "multiprocessing.Queue: bytes"),
        Metric::python("mp_pipe_ints", MICROS, "multiprocessing.Pipe: list of ints"),
        Metric::python(
            "mp_pipe_records",
            MICROS,
            "multiprocessing.Pipe: list of dicts",
        ),
        Metric::python("mp_pipe_records_again", MICROS, "… the same again (A/A)"),
        Metric::python("pickle_bytes", MICROS, "pickle and unpickle: bytes"),
        Metric::python("pickle_ints", MICROS, "pickle and unpickle: list of ints"),
        Metric::python(
            "pickle_records",
            MICROS,
            "pickle and unpickle: list of dicts",
        ),
    ],
    rule: "It holds if the parent sees no byte of what a child writes without a channel, and every channel delivers 1 MiB intact in every round. \
        It does not hold if a byte is seen, or a channel delivers something else. \
        But (Python): if pickling and unpickling a list of dicts takes between half and all of the time of sending it through multiprocessing.Pipe, \
        pickling is most of the cost, not the channel. Medians are compared, and only if that sending, measured against itself (A/A), comes out within 0.9 to 1.1.",
    judge,
    chart: Chart {
        title: "Time to hand 1 MiB to another process",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "bytes",
                rows: &[
                    Row {
                        label: "shared memory",
                        series: &each("shared_memory"),
                    },
                    Row {
                        label: "Unix socket",
                        series: &each("socket"),
                    },
                    Row {
                        label: "pipe",
                        series: &each("pipe"),
                    },
                    Row {
                        label: "multiprocessing.Pipe",
                        series: &python("mp_pipe_bytes"),
                    },
                    Row {
                        label: "multiprocessing.Queue",
                        series: &python("mp_queue_bytes"),
                    },
                    Row {
                        label: "pickle and unpickle alone",
                        series: &python("pickle_bytes"),
                    },
                ],
            },
            Section {
                title: "a list of ints, 1 MiB when pickled",
                rows: &[
                    Row {
                        label: "multiprocessing.Pipe",
                        series: &python("mp_pipe_ints"),
                    },
                    Row {
                        label: "pickle and unpickle alone",
                        series: &python("pickle_ints"),
                    },
                ],
            },
            Section {
                title: "a list of dicts, 1 MiB when pickled",
                rows: &[
                    Row {
                        label: "multiprocessing.Pipe",
                        series: &python("mp_pipe_records"),
                    },
                    Row {
                        label: "pickle and unpickle alone",
                        series: &python("pickle_records"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 31, quick: 7 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let seen = need!(run, "seen_without_channel").max();
    let tried = need!(run, "channels").max();
    let delivered = need!(run, "delivered").min();
    if seen > 0.0 {
        let why = format!("{} bytes arrived without any channel", count(seen));
        return Verdict::does_not_hold(run, &why);
    }
    if delivered < tried {
        let (delivered, tried) = (count(delivered), count(tried));
        let why = format!("only {delivered} of {tried} channels delivered what was sent");
        return Verdict::does_not_hold(run, &why);
    }
    let why = "nothing arrived without a channel, and everything through each of them";
    if run.runtime.language == Language::Rust {
        return Verdict::holds(why);
    }
    let aa = match aa(run, "mp_pipe_records_again", "mp_pipe_records") {
        Ok(aa) => digits(aa),
        Err(busy) => return Verdict::holds(&format!("{why} ({busy})")),
    };
    match ratio(run, "pickle_records", "mp_pipe_records") {
        Some(share) if (0.5..=1.0).contains(&share) => Verdict::holds_but(&format!(
            "pickling is most of the cost: {} % of the time that a list of dicts takes through multiprocessing.Pipe (A/A {aa})",
            count(share * 100.0),
        )),
        _ => Verdict::holds(why),
    }
}

const SIZE: usize = 1 << 20;

/// Both ends of a channel: it is made before the fork.
trait Channel {
    fn send(&mut self, data: &[u8]) -> io::Result<()>;
    fn recv(&mut self, data: &mut [u8]) -> io::Result<()>;
}

struct Pipe(PipeReader, PipeWriter);

impl Channel for Pipe {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.1.write_all(data)
    }

    fn recv(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(data)
    }
}

struct Socket(UnixStream, UnixStream);

impl Channel for Socket {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }

    fn recv(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.1.read_exact(data)
    }
}

/// A shared mapping, and a pipe that signals when it is filled. `os` copies word by word, with atomics: safe Rust has no
/// `memcpy` for memory that another process may write.
struct Shared(Mapping, Pipe);

impl Channel for Shared {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.copy_in(data);
        self.1.send(b"!")
    }

    fn recv(&mut self, data: &mut [u8]) -> io::Result<()> {
        self.1.recv(&mut [0])?;
        self.0.copy_out(data);
        Ok(())
    }
}

/// A process at the other end of a channel. It answers one byte as soon as it has the payload, then whether it is intact.
struct Peer {
    channel: Box<dyn Channel>,
    answers: PipeReader,
    _server: Server,
}

impl Peer {
    fn new(mut channel: Box<dyn Channel>, payload: &[u8], cpus: &[usize]) -> io::Result<Self> {
        let (answers, mut answer) = io::pipe()?;
        let server = Server::start(|| {
            pin(cpus, 1);
            let mut data = vec![0; SIZE];
            loop {
                channel.recv(&mut data)?;
                answer.write_all(b"!")?;
                let intact = data == payload;
                data.fill(0);
                answer.write_all(&[u8::from(intact)])?;
            }
        })?;
        Ok(Self {
            channel,
            answers,
            _server: server,
        })
    }

    /// Returns how long one hand-over took, and whether the payload arrived intact.
    fn hand_over(&mut self, payload: &[u8]) -> io::Result<(f64, bool)> {
        let mut byte = [0];
        let time = micros(|| {
            self.channel.send(payload)?;
            self.answers.read_exact(&mut byte)
        })?;
        self.answers.read_exact(&mut byte)?;
        Ok((time, byte[0] == 1))
    }
}

/// Counts the bytes that the parent sees changed after a child overwrote 1 MiB without any channel.
fn seen_without() -> io::Result<f64> {
    let mut data = vec![0_u8; SIZE];
    let child = fork(|| {
        limit_lifetime();
        data.fill(1);
        Ok(())
    })?;
    child.wait()?;
    Ok(data.iter().filter(|byte| **byte == 1).count() as f64)
}

fn experiment(rounds: usize) -> io::Result<()> {
    let mut state = 1_u64; // any bytes will do, as long as no two pages are alike
    let payload: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(SIZE)
    .collect();

    let cpus = cpus();
    let pipe = || io::pipe().map(|(reader, writer)| Pipe(reader, writer));
    let (here, there) = UnixStream::pair()?;
    let shared = Shared(Mapping::shared(SIZE / size_of::<u64>())?, pipe()?);
    let mut peers = [
        Peer::new(Box::new(pipe()?), &payload, &cpus)?,
        Peer::new(Box::new(Socket(here, there)), &payload, &cpus)?,
        Peer::new(Box::new(shared), &payload, &cpus)?,
    ];
    let order = [("pipe", 0), ("socket", 1), ("shared_memory", 2)];
    pin(&cpus, 0);
    let mut copy = vec![0; SIZE];
    report(rounds, 3, &json!({ "payload_bytes": SIZE }), |number| {
        let mut round = Round::from([("channels", Some(order.len() as f64))]);
        let mut delivered = 0.0;
        for (name, peer) in rotated(order, number) {
            let (time, intact) = peers[peer].hand_over(&payload)?;
            delivered += f64::from(u8::from(intact));
            round.insert(name, Some(time));
        }
        round.insert("delivered", Some(delivered));
        round.insert("seen_without_channel", Some(seen_without()?));
        let mut copied = || {
            std::hint::black_box(&mut copy).copy_from_slice(std::hint::black_box(&payload));
            Ok(())
        };
        copied()?; // after the fork above, the first write to each page makes the kernel copy it
        round.insert("memcpy", Some(micros(copied)?));
        Ok(round)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Runtime, sample};

    fn judged(again: f64, pickle: f64, delivered: &[f64], seen: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("seen_without_channel", &[0.0, seen]),
            ("channels", &[8.0, 8.0]),
            ("delivered", delivered),
            ("mp_pipe_records", &[10_000.0]),
            ("mp_pipe_records_again", &[again]),
            ("pickle_records", &[pickle]),
        ];
        sample::judged(&CLAIM, &[], samples)
    }

    #[test]
    fn pickle_is_named_only_on_a_quiet_machine_and_when_it_is_most_of_the_cost() {
        let verdict = judged(10_500.0, 8400.0, &[8.0, 8.0], 0.0);
        assert_eq!(
            verdict.text,
            "holds, but pickling is most of the cost: 84 % of the time that a list of dicts takes through multiprocessing.Pipe (A/A 1.05)"
        );
        let busy = judged(12_000.0, 8400.0, &[8.0, 8.0], 0.0);
        assert_eq!(busy.outcome, Outcome::Holds);
        let says = "(times not compared: the machine was too busy, A/A 1.20)";
        assert!(busy.text.ends_with(says), "{busy}");
        for pickle in [4900.0, 11_000.0] {
            let verdict = judged(10_000.0, pickle, &[8.0, 8.0], 0.0);
            assert_eq!(verdict.outcome, Outcome::Holds, "{verdict}"); // and no part is more than the whole
        }
    }

    #[test]
    fn it_does_not_hold_when_bytes_arrive_by_magic_or_not_at_all() {
        assert_eq!(
            judged(10_000.0, 8400.0, &[8.0, 8.0], 5.0).text,
            "does not hold on Python 3.13.0 (GIL): 5 bytes arrived without any channel"
        );
        assert_eq!(
            judged(10_000.0, 8400.0, &[8.0, 7.0], 0.0).text,
            "does not hold on Python 3.13.0 (GIL): only 7 of 8 channels delivered what was sent"
        );
    }

    #[test]
    fn rust_has_no_pickle() {
        let samples: &[(&str, &[f64])] = &[
            ("seen_without_channel", &[0.0]),
            ("channels", &[4.0]),
            ("delivered", &[4.0]),
        ];
        let verdict = sample::judged_in(Runtime::rust(), &CLAIM, &[], samples);
        assert_eq!(verdict.outcome, Outcome::Holds);
    }
}
