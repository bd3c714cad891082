//! Streams that behave as a script says, and what should come out of them.

use super::{frame, large_frame};
use crate::pattern;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::ops::Range;

/// How a stream fails.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Failure {
    /// The peer is gone.
    BrokenPipe,
    /// The peer has reset the connection.
    ConnectionReset,
    /// Somebody else has ended it.
    ConnectionAborted,
    /// It has a deadline of its own, which is over.
    TimedOut,
    /// It never waits, and there is nothing now.
    WouldBlock,
    /// Anything else.
    PermissionDenied,
}

impl Failure {
    pub const ALL: [Self; 6] = [
        Self::BrokenPipe,
        Self::ConnectionReset,
        Self::ConnectionAborted,
        Self::TimedOut,
        Self::WouldBlock,
        Self::PermissionDenied,
    ];

    fn kind(self) -> ErrorKind {
        match self {
            Self::BrokenPipe => ErrorKind::BrokenPipe,
            Self::ConnectionReset => ErrorKind::ConnectionReset,
            Self::ConnectionAborted => ErrorKind::ConnectionAborted,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::WouldBlock => ErrorKind::WouldBlock,
            Self::PermissionDenied => ErrorKind::PermissionDenied,
        }
    }

    fn error(self) -> io::Error {
        io::Error::new(self.kind(), OfTheStream)
    }

    /// What [`told`] says of it, if it came through as it is.
    pub fn told(self) -> String {
        told(&self.error())
    }
}

/// What the stream's own errors hold, so that they can be told from others of the same kind.
#[derive(Debug)]
struct OfTheStream;

impl fmt::Display for OfTheStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream failed, as the test told it to")
    }
}

impl std::error::Error for OfTheStream {}

/// The kind of an error, and whether it is the stream's own.
pub fn told(error: &io::Error) -> String {
    let kind = crate::kind(error);
    match error
        .get_ref()
        .is_some_and(|inner| inner.is::<OfTheStream>())
    {
        true => format!("{kind}, the stream's own error"),
        false => kind,
    }
}

/// What a write does; when the script is over, writes take everything.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Take {
    /// Takes at most so many bytes.
    Part(usize),
    /// Is interrupted.
    Interrupt,
    /// Takes nothing.
    Nothing,
    /// Fails.
    Fail(Failure),
}

/// What one write after the other does.
pub type Script = Vec<Take>;

/// A stream to write to.
pub struct Sink {
    script: VecDeque<Take>,
    body: Range<usize>,
    pub bytes: Vec<u8>,
    pub writes: Vec<usize>,
    pub in_place: usize,
}

impl Sink {
    pub fn new(body: &[u8], script: Script) -> Self {
        let begin = body.as_ptr() as usize;
        Self {
            script: script.into(),
            body: begin..begin + body.len(),
            bytes: Vec::new(),
            writes: Vec::new(),
            in_place: 0,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut room = match self.script.pop_front() {
            None => usize::MAX,
            Some(Take::Part(room)) => room,
            Some(Take::Interrupt) => return Err(ErrorKind::Interrupted.into()),
            Some(Take::Nothing) => 0,
            Some(Take::Fail(failure)) => return Err(failure.error()),
        };
        let mut count = 0;
        for part in parts {
            let taken = &part[..part.len().min(room)];
            if self.body.contains(&(taken.as_ptr() as usize)) {
                self.in_place += taken.len();
            }
            self.bytes.extend_from_slice(taken);
            count += taken.len();
            room -= taken.len();
        }
        self.writes.push(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes out of a stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Piece {
    /// These bytes: one read returns no more than what is left of a piece.
    Bytes(Vec<u8>),
    /// A read is interrupted.
    Interrupt,
    /// A read fails.
    Fail(Failure),
}

/// A stream to read from; after its pieces it ends.
pub struct Source(VecDeque<Piece>);

impl Source {
    pub fn new(mut pieces: Vec<Piece>) -> Self {
        pieces.retain(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
        Self(pieces.into())
    }

    /// How many bytes were not read.
    pub fn left(&self) -> usize {
        let lens = self.0.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        lens.sum()
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.0.front_mut() else {
            return Ok(0);
        };
        let error = match piece {
            Piece::Bytes(bytes) => {
                let count = bytes.len().min(into.len());
                into[..count].copy_from_slice(&bytes[..count]);
                bytes.drain(..count);
                if bytes.is_empty() {
                    self.0.pop_front();
                }
                return Ok(count);
            }
            Piece::Interrupt => ErrorKind::Interrupted.into(),
            Piece::Fail(failure) => failure.error(),
        };
        self.0.pop_front();
        Err(error)
    }
}

/// The largest address space that this process has had, by the kernel's account, in KiB; where it doesn't tell, 0.
pub fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// What should come out of a stream that holds these bytes: until the end or an error, and `more` ends beyond the end.
pub fn decode(bytes: &[u8], limit: u64, more: usize) -> Vec<Result<Option<Vec<u8>>, String>> {
    let mut rest = bytes;
    let mut frames = Vec::new();
    let mut more = more;
    loop {
        let frame = next(&mut rest, limit);
        let done = !matches!(frame, Ok(Some(_)));
        frames.push(frame);
        if done && more == 0 {
            return frames;
        }
        more -= usize::from(done);
    }
}

fn next(rest: &mut &[u8], limit: u64) -> Result<Option<Vec<u8>>, String> {
    if rest.is_empty() {
        return Ok(None);
    }
    let cut = |rest: &mut &[u8]| {
        *rest = &[];
        "UnexpectedEof".to_owned()
    };
    let Some((first, after)) = rest.split_first_chunk::<4>() else {
        return Err(cut(rest));
    };
    *rest = after;
    let len = match i32::from_be_bytes(*first) {
        -1 => {
            let Some((large, after)) = rest.split_first_chunk::<8>() else {
                return Err(cut(rest));
            };
            *rest = after;
            u64::from_be_bytes(*large)
        }
        small => u64::try_from(small).map_err(|_| "InvalidData".to_owned())?,
    };
    if len > limit {
        return Err("InvalidData".to_owned());
    }
    let len = usize::try_from(len).map_err(|error| error.to_string())?;
    if rest.len() < len {
        return Err(cut(rest));
    }
    let (body, after) = rest.split_at(len);
    *rest = after;
    Ok(Some(body.to_vec()))
}

/// A stream of one to three frames, most of them long, in pieces. Judge and subject make the same one, to spare sending it.
pub fn long(seed: u64, shape: Shape) -> (Vec<u8>, Vec<Piece>) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = Vec::new();
    for _ in 0..random.usize(1..4) {
        let body = pattern(random.u64(..), random.usize(0..70_000));
        bytes.extend(match shape.has_large && random.bool() {
            true => large_frame(&body),
            false => frame(&body),
        });
    }
    if shape.is_cut {
        bytes.truncate(bytes.len() - random.usize(1..=bytes.len().min(40_000)));
    }
    let mut pieces = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        if shape.is_interrupted {
            pieces.extend((0..random.u8(0..4)).map(|_| Piece::Interrupt));
        }
        let most = random.choice([3, 100, 5_000, 20_000]).unwrap_or(1);
        let (piece, after) = rest.split_at(random.usize(1..=most).min(rest.len()));
        pieces.push(Piece::Bytes(piece.to_vec()));
        rest = after;
    }
    (bytes, pieces)
}

/// What happens to a long stream.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Shape {
    /// Some frames have the large form of the header.
    pub has_large: bool,
    /// It ends early, mostly inside a frame.
    pub is_cut: bool,
    /// Reads of it are interrupted.
    pub is_interrupted: bool,
}

/// A stream of whole frames, cut frames, negative lengths and noise.
pub fn random(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(0..5) {
        match random.u8(0..6) {
            0..=2 => {
                let len = random.u8(0..70);
                bytes.extend_from_slice(&i32::from(len).to_be_bytes());
                bytes.extend((0..len).map(|_| random.u8(..)));
            }
            3 => {
                let len = random.choice([0, 1, 64, 65, 1 << 31, 1 << 32, 1 << 63, u64::MAX]);
                bytes.extend_from_slice(&[0xff; 4]);
                bytes.extend_from_slice(&len.unwrap_or(0).to_be_bytes());
                bytes.extend((0..random.u8(0..70)).map(|_| random.u8(..)));
            }
            4 => bytes.extend_from_slice(&random.i32(..).to_be_bytes()),
            _ => bytes.extend((0..random.u8(0..9)).map(|_| random.u8(..))),
        }
    }
    bytes.truncate(bytes.len() - random.usize(0..=bytes.len().min(3)));
    bytes
}
