//! Streams that behave as a script says, and what should come out of them.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::ops::Range;

/// What a write does; when the script is over, writes take everything.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Take {
    /// Takes at most so many bytes.
    Part(usize),
    /// Is interrupted.
    Interrupt,
    /// Takes nothing.
    Nothing,
    /// The peer is gone.
    Broken,
    /// Fails: it is a stream that never waits, and takes nothing now.
    WouldBlock,
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
            Some(Take::Broken) => return Err(ErrorKind::BrokenPipe.into()),
            Some(Take::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
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
    /// A read fails: the peer has reset the connection.
    Reset,
    /// A read fails: there is nothing yet, and the stream doesn't block.
    WouldBlock,
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
            Piece::Interrupt => ErrorKind::Interrupted,
            Piece::Reset => ErrorKind::ConnectionReset,
            Piece::WouldBlock => ErrorKind::WouldBlock,
        };
        self.0.pop_front();
        Err(error.into())
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
