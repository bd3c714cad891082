//! I1: a pipe carries bytes, not messages.
//!
//! Ten small messages are written before the reader comes, and one large message while it reads. In how many reads do they
//! arrive?

use crate::chart::{Axis, Chart, Row, Scale, Section, each, python};
use crate::claim::{Claim, Metric, Rounds};
use crate::experiment::{Round, report};
use crate::format::count;
use crate::sys::limit_lifetime;
use crate::{Run, Unit, Verdict, need};
use os::process::fork;
use serde_json::json;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

const READS: Unit = Unit::count("read", "reads");

/// The claim.
pub static CLAIM: Claim = Claim {
    id: "I1",
    sentence: "A pipe or a socket carries messages from one process to another.",
    metrics: &[
        Metric::both("pipe_small", READS, "ten messages of 64 B by pipe").always(1.0),
        Metric::both("socket_small", READS, "ten messages of 64 B by Unix socket").always(1.0),
        Metric::python(
            "packets_small",
            READS,
            "ten messages of 64 B by SOCK_SEQPACKET",
        ),
        Metric::both("framed_small", READS, "ten messages of 64 B, framed").always(10.0),
        Metric::both("pipe_large", READS, "one message of 1 MiB by pipe"),
        Metric::both("socket_large", READS, "one message of 1 MiB by Unix socket"),
        Metric::both("framed_large", READS, "one message of 1 MiB, framed").always(1.0),
    ],
    rule: "Ten messages of 64 bytes are written before the reader starts; one message of 1 MiB is written while the reader reads. The reader has room for all of \
        it. It holds if every message arrives in one read of its own. But: if ten arrive in fewer reads in every round, and the large one in several reads in \
        some, through pipe and stream socket, then these carry bytes, and messages need frames. That counts only if framed messages arrive one by one in every \
        round. Anything else shows nothing.",
    judge,
    chart: Chart {
        title: "Reads until everything has arrived",
        axis: Axis {
            scale: Scale::Logarithmic,
            share_of: None,
        },
        sections: &[
            Section {
                title: "ten messages of 64 B",
                rows: &[
                    Row {
                        label: "pipe",
                        series: &each("pipe_small"),
                    },
                    Row {
                        label: "Unix socket",
                        series: &each("socket_small"),
                    },
                    Row {
                        label: "SOCK_SEQPACKET",
                        series: &python("packets_small"),
                    },
                    Row {
                        label: "in frames",
                        series: &each("framed_small"),
                    },
                ],
            },
            Section {
                title: "one message of 1 MiB",
                rows: &[
                    Row {
                        label: "pipe",
                        series: &each("pipe_large"),
                    },
                    Row {
                        label: "Unix socket",
                        series: &each("socket_large"),
                    },
                    Row {
                        label: "in frames",
                        series: &each("framed_large"),
                    },
                ],
            },
        ],
    },
    rounds: Rounds { full: 31, quick: 7 },
    experiment: Some(experiment),
};

fn judge(run: &Run) -> Verdict {
    let Some(messages) = run.given("messages") else {
        return Verdict::not_shown("the record does not say how many messages there were");
    };
    let (framed_small, framed_large) = (need!(run, "framed_small"), need!(run, "framed_large"));
    let whole = [framed_small.min(), framed_small.max()] == [messages; 2]
        && [framed_large.min(), framed_large.max()] == [1.0; 2];
    if !whole {
        return Verdict::not_shown("framed messages did not arrive one by one either");
    }
    let small = [need!(run, "pipe_small"), need!(run, "socket_small")];
    let large = [need!(run, "pipe_large"), need!(run, "socket_large")];
    let one_by_one = small
        .iter()
        .all(|one| [one.min(), one.max()] == [messages; 2])
        && large.iter().all(|one| one.max() == 1.0);
    if one_by_one {
        return Verdict::holds("every message arrived in one read of its own");
    }
    let merged = small.iter().all(|one| one.max() < messages);
    let split = large.iter().all(|one| one.max() > 1.0);
    if !merged || !split {
        return Verdict::not_shown("some rounds kept messages whole and others did not");
    }
    let (pipe, socket) = (count(large[0].median), count(large[1].median));
    Verdict::holds_but(&format!(
        "they carry bytes, so messages need frames: {} messages arrived in {}, and one of 1 MiB in {pipe} (pipe) and {socket} (socket; medians)",
        count(messages),
        READS.quantity(small[0].median),
    ))
}

const SMALL: usize = 64;
const MESSAGES: usize = 10;
const LARGE: usize = 1 << 20;
/// What the reader is ready to take at once: more than was sent.
const ROOM: usize = 2 << 20;

fn experiment(rounds: usize) -> io::Result<()> {
    let messages: Vec<Vec<u8>> = (0..MESSAGES).map(|n| vec![n as u8; SMALL]).collect();
    let large: Vec<u8> = (0..LARGE).map(|n| (n % 251) as u8).collect();
    let given = json!({ "messages": MESSAGES, "small_bytes": SMALL, "large_bytes": LARGE });
    report(rounds, 1, &given, |_| {
        let mut round = Round::new();
        let (reader, writer) = io::pipe()?;
        round.insert("pipe_small", small_by(reader, writer, &messages)?);
        let (reader, writer) = UnixStream::pair()?;
        round.insert("socket_small", small_by(reader, writer, &messages)?);
        round.insert("framed_small", framed(&messages)?);
        let (reader, writer) = io::pipe()?;
        round.insert("pipe_large", large_by(reader, writer, &large)?);
        let (reader, writer) = UnixStream::pair()?;
        round.insert("socket_large", large_by(reader, writer, &large)?);
        round.insert("framed_large", framed(std::slice::from_ref(&large))?);
        Ok(round)
    })
}

/// Counts the reads in which small messages arrive that were written before.
fn small_by(
    reader: impl Read,
    mut writer: impl Write,
    messages: &[Vec<u8>],
) -> io::Result<Option<f64>> {
    for message in messages {
        writer.write_all(message)?;
    }
    reads_until(reader, &messages.concat())
}

/// Counts the reads in which one large message arrives from another process.
fn large_by(reader: impl Read, mut writer: impl Write, message: &[u8]) -> io::Result<Option<f64>> {
    let child = fork(|| {
        limit_lifetime();
        writer.write_all(message)
    })?;
    let reads = reads_until(reader, message);
    child.wait()?;
    reads
}

/// Reads until as many bytes have come as are expected; `None` if they are other ones.
fn reads_until(mut reader: impl Read, expected: &[u8]) -> io::Result<Option<f64>> {
    let mut got = vec![0; ROOM];
    let (mut filled, mut reads) = (0, 0.0);
    while filled < expected.len() {
        let count = reader.read(&mut got[filled..])?;
        if count == 0 {
            return Ok(None);
        }
        filled += count;
        reads += 1.0;
    }
    Ok((got[..filled] == *expected).then_some(reads))
}

/// Counts the messages that arrive whole from another process behind a length of four bytes each.
fn framed(messages: &[Vec<u8>]) -> io::Result<Option<f64>> {
    let (mut reader, mut writer) = UnixStream::pair()?;
    let child = fork(|| {
        limit_lifetime();
        messages.iter().try_for_each(|message| {
            let length = u32::try_from(message.len()).map_err(io::Error::other)?;
            writer.write_all(&length.to_be_bytes())?;
            writer.write_all(message)
        })
    })?;
    let mut whole = 0.0;
    for message in messages {
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        let mut got = vec![0; u32::from_be_bytes(length) as usize];
        reader.read_exact(&mut got)?;
        whole += f64::from(u8::from(got == *message));
    }
    child.wait()?;
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, sample};

    fn judged(small: [f64; 2], large: [f64; 2], framed: f64) -> Verdict {
        let samples: &[(&str, &[f64])] = &[
            ("pipe_small", &small),
            ("socket_small", &small),
            ("pipe_large", &large),
            ("socket_large", &large),
            ("framed_small", &[framed]),
            ("framed_large", &[1.0]),
        ];
        sample::judged(&CLAIM, &[("messages", 10)], samples)
    }

    #[test]
    fn bytes_are_told_from_messages() {
        let bytes = judged([1.0, 1.0], [16.0, 18.0], 10.0);
        assert_eq!(bytes.outcome, Outcome::HoldsBut);
        assert_eq!(
            bytes.text,
            "holds, but they carry bytes, so messages need frames: 10 messages arrived in 1 read, and one of 1 MiB in 17 (pipe) and 17 (socket; medians)"
        );
        assert_eq!(
            judged([10.0, 10.0], [1.0, 1.0], 10.0).outcome,
            Outcome::Holds
        );
    }

    #[test]
    fn nothing_is_shown_when_rounds_disagree_or_frames_break() {
        let mixed = judged([1.0, 10.0], [16.0, 16.0], 10.0);
        assert_eq!(mixed.outcome, Outcome::NotShown);
        let whole = judged([1.0, 1.0], [1.0, 1.0], 10.0);
        assert_eq!(whole.outcome, Outcome::NotShown);
        let broken = judged([1.0, 1.0], [16.0, 16.0], 9.0);
        assert!(broken.text.contains("framed messages did not"), "{broken}");
    }
}
