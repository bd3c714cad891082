//! Step 1: frames, in any pieces, to and from a real CPython.

pub(crate) mod python;
mod reading;
mod streams;
mod writing;

use crate::{Learner, checksum, kind, pattern};
use checks::{SelfReported, explain, observed, random};
use python::{connect, python};
use serde::{Deserialize, Serialize};
pub(crate) use streams::peak_kib;
use streams::{Piece, Script, Shape, Sink, Source, told};

/// What a frame's body was: its length and its checksum. `None` is the end of the stream; an error is its kind.
type Received = Result<Option<(usize, u32)>, String>;

/// What came of sending some bodies.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    result: Result<(), String>,
    /// All that was written.
    bytes: Vec<u8>,
    /// How many bytes each write took.
    writes: SelfReported<Vec<usize>>,
    /// How many bytes of the body were written from where it is.
    in_place: SelfReported<usize>,
}

/// What came of receiving frames from a script.
#[derive(Debug, Serialize, Deserialize)]
struct Taken {
    /// What each call returned; bodies in full.
    frames: Vec<Result<Option<Vec<u8>>, String>>,
    /// How many bytes of the stream were not read.
    left: SelfReported<usize>,
    /// By how much the process's address space was larger at its largest, in KiB.
    grown_kib: SelfReported<u64>,
}

checks::subject! {
    for Learner;

    fn header(learner, lens: Vec<u64>) -> Vec<Vec<u8>> {
        lens.into_iter().map(|len| (learner.header)(len)).collect()
    }

    /// Several bodies, each into a stream of its own that behaves as its script says.
    fn send_frame(learner, cases: Vec<(Vec<u8>, Script)>) -> Vec<Sent> {
        cases.into_iter().map(|(body, script)| sent(learner, &body, script)).collect()
    }

    /// Bodies of these lengths; of what was written only the beginning is returned.
    fn send_long(learner, cases: Vec<(usize, Script)>) -> Vec<Sent> as send_frame {
        cases.into_iter()
            .map(|(len, script)| {
                let mut sent = sent(learner, &pattern(1, len), script);
                sent.bytes.truncate(16);
                sent
            })
            .collect()
    }

    /// Calls until the end or an error, `more` times beyond, for each stream.
    fn recv_frame(learner, cases: Vec<(Vec<Piece>, usize)>, more: usize) -> Vec<Taken> {
        cases.into_iter().map(|(pieces, limit)| taken(learner, pieces, limit, more)).collect()
    }

    /// What comes out of these long streams.
    fn recv_long(learner, cases: Vec<(u64, Shape)>) -> Vec<Vec<Received>> as recv_frame {
        let taken = |(seed, shape)| taken(learner, streams::long(seed, shape).1, 1 << 20, 0);
        cases.into_iter().map(taken).map(|taken| sums(taken.frames)).collect()
    }

    /// One stream, cut at every byte in turn: the first cut at which something else comes out than for the uncut stream.
    fn recv_split(learner, bytes: Vec<u8>) -> SelfReported<Option<(usize, Taken, Taken)>> as recv_frame {
        let limit = 1 << 16;
        let whole = || taken(learner, vec![Piece::Bytes(bytes.clone())], limit, 0);
        observed((0..=bytes.len()).find_map(|cut| {
            let (head, tail) = bytes.split_at(cut);
            let pieces = vec![Piece::Bytes(head.to_vec()), Piece::Bytes(tail.to_vec())];
            let parts = taken(learner, pieces, limit, 0);
            (parts.frames != whole().frames).then(|| (cut, parts, whole()))
        }))
    }

    /// Sends bodies of these lengths over a socket to whoever listens there.
    fn send_to(learner, name: String, sizes: Vec<usize>) -> Vec<Result<(), String>> as send_frame {
        let mut socket = connect(&name);
        sizes.iter().map(|size| (learner.send_frame)(&mut socket, &peers_body(*size)).map_err(|error| kind(&error))).collect()
    }

    /// Receives frames from whoever listens there, until the end or an error.
    fn recv_from(learner, name: String, count: usize) -> Vec<Received> as recv_frame {
        let mut socket = connect(&name);
        (0..count)
            .map(|_| match (learner.recv_frame)(&mut socket, 1 << 26) {
                Ok(body) => Ok(body.map(|body| (body.len(), checksum(&body)))),
                Err(error) => Err(kind(&error)),
            })
            .collect()
    }

    /// Random streams: the first for which something else comes out than should.
    fn recv_random(learner, seed: u64, count: usize) -> SelfReported<Option<(Vec<u8>, Taken)>> as recv_frame {
        let mut random = fastrand::Rng::with_seed(seed);
        observed((0..count).find_map(|_| {
            let bytes = streams::random(&mut random);
            let taken = taken(learner, vec![Piece::Bytes(bytes.clone())], 64, 0);
            let expected = streams::decode(&bytes, 64, 0);
            (taken.frames != expected).then_some((bytes, taken))
        }))
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    the_header_is_the_length_in_network_byte_order,
    a_longer_body_has_the_large_form,
    a_frame_is_a_header_and_a_body,
    python_receives_what_is_sent,
    the_end_between_frames_is_no_error,
    a_frame_is_received,
    an_empty_body_is_a_frame,
    a_frame_may_come_in_any_pieces,
    what_python_sends_is_received,
    the_large_form_is_understood,
    the_end_inside_a_frame_is_an_error,
    a_negative_length_is_an_error,
    not_one_byte_more_is_read,
    a_length_over_the_limit_is_an_error,
    a_length_over_the_limit_allocates_nothing,
    an_interrupted_read_is_tried_again,
    an_error_of_the_stream_comes_through,
    a_write_may_take_a_part,
    an_interrupted_write_is_tried_again,
    a_failing_write_is_an_error,
    a_small_body_goes_with_its_header_in_one_write,
    a_large_body_is_not_copied,
    python_reads_the_headers,
    random_bytes_are_no_trouble,
];

/// Starts CPython ahead of the tests.
pub fn start_python() {
    python::start();
}

fn sent(learner: Learner, body: &[u8], script: Script) -> Sent {
    let mut sink = Sink::new(body, script);
    let result = (learner.send_frame)(&mut sink, body).map_err(|error| told(&error));
    Sent {
        result,
        bytes: sink.bytes,
        writes: observed(sink.writes),
        in_place: observed(sink.in_place),
    }
}

fn taken(learner: Learner, pieces: Vec<Piece>, limit: usize, more: usize) -> Taken {
    let mut source = Source::new(pieces);
    let before = peak_kib();
    let mut frames = Vec::new();
    let mut left = more;
    loop {
        let frame = (learner.recv_frame)(&mut source, limit).map_err(|error| told(&error));
        let done = !matches!(frame, Ok(Some(_)));
        frames.push(frame);
        if done && left == 0 || frames.len() > 1000 {
            break;
        }
        left -= usize::from(done);
    }
    Taken {
        frames,
        left: observed(source.left()),
        grown_kib: observed(peak_kib().saturating_sub(before)),
    }
}

/// Each frame as its length and its checksum.
fn sums(frames: Vec<Result<Option<Vec<u8>>, String>>) -> Vec<Received> {
    let sum = |body: Vec<u8>| (body.len(), checksum(&body));
    let frames = frames.into_iter();
    frames
        .map(|frame| frame.map(|body| body.map(sum)))
        .collect()
}

/// The bytes that CPython makes, too: see `peer.py`.
fn peers_body(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

/// A frame, as the format has it.
fn frame(body: &[u8]) -> Vec<u8> {
    let len = i32::try_from(body.len()).expect("a short body");
    [&len.to_be_bytes()[..], body].concat()
}

/// A frame in the large form.
fn large_frame(body: &[u8]) -> Vec<u8> {
    [&[0xff; 4], &(body.len() as u64).to_be_bytes()[..], body].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

use reading::*;
use writing::*;

fn python_reads_the_headers() {
    explain(
        "ipc/exercise.md#step-1-framing",
        "CPython reads four bytes, and eight more if those are −1: see the format.",
    );
    let Some(mut python) = python() else { return };
    let mut lens = vec![
        0,
        1,
        16_384,
        16_385,
        0x7fff_ffff,
        0x8000_0000,
        1 << 40,
        u64::MAX,
    ];
    lens.push(random().u64(..));
    let headers: Vec<String> = header(&lens)
        .iter()
        .map(|header| hex(header)[2..].to_owned())
        .collect();
    let words = headers.join(" ");
    let announced = python.ask(&format!("announced {words}"));
    let expected: Vec<String> = lens.iter().map(u64::to_string).collect();
    assert_eq!(
        announced.split(' ').collect::<Vec<_>>(),
        expected,
        "the lengths that CPython reads in the headers {words}"
    );
}

/// The name of a socket that nobody uses.
pub(crate) fn socket_name() -> String {
    format!("checks-{}-{:08x}", std::process::id(), fastrand::u32(..))
}

/// The longest still comes within seconds to whoever reads a byte at a time.
const SIZES: [usize; 7] = [0, 1, 5, 16_383, 16_384, 16_385, 1 << 20];

fn python_receives_what_is_sent() {
    explain(
        "ipc/exercise.md#the-format",
        "A real `Connection` of CPython reads what you send: four bytes of length, big-endian, then the body.",
    );
    let Some(mut python) = python() else { return };
    let name = socket_name();
    python.ask(&format!("listen {name}"));
    python.tell("accept");
    let call = send_to::start(&name, &SIZES.to_vec());
    python.hear();
    let received = python.ask(&format!("recv {}", SIZES.len() + 1));
    let results = call.finish();
    python.ask("close");
    let sums = SIZES.map(|size| format!("{size}:{}", checksum(&peers_body(size))));
    for (size, (result, (received, sum))) in SIZES
        .iter()
        .zip(results.iter().zip(received.split(' ').zip(&sums)))
    {
        assert_eq!(*result, Ok(()), "sending {size} bytes");
        assert_eq!(
            received, sum,
            "what CPython received of a body of {size} bytes, as length:checksum"
        );
    }
    let end = received.split(' ').next_back().unwrap_or_default();
    assert!(
        end.starts_with("EOFError"),
        "After the last frame CPython expected the end of the stream, and found {end}: more was sent than the frames."
    );
}

fn from_python(command: &str, sizes: &[usize]) {
    let Some(mut python) = python() else { return };
    let name = socket_name();
    python.ask(&format!("listen {name}"));
    python.tell("accept");
    let call = recv_from::start(&name, &(sizes.len() + 1));
    python.hear();
    let words: Vec<String> = sizes.iter().map(usize::to_string).collect();
    python.tell(&format!("{command} {}", words.join(" ")));
    let received = call.finish();
    python.hear();
    for (size, received) in sizes.iter().zip(&received) {
        let expected = Ok(Some((*size, checksum(&peers_body(*size)))));
        assert_eq!(
            *received, expected,
            "what was received of CPython's {size} bytes: length and checksum"
        );
    }
    assert_eq!(
        received.last(),
        Some(&Ok(None)),
        "after the last frame CPython closed the connection"
    );
}

fn what_python_sends_is_received() {
    explain(
        "ipc/exercise.md#read-until-it-is-all-there",
        "A real `Connection` of CPython sends the frames: header and body in one write up to 16 KiB, then in two. The kernel cuts \
         long ones where it likes.",
    );
    from_python("send", &SIZES);
}
