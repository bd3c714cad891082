//! Length-prefixed JSON: four bytes of length, big-endian, then that many bytes of JSON.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// The longest message, in bytes. A longer one is refused before anything is allocated for it.
///
/// What one of this length holds takes the memory of its types, about ten times as much at most. As a `serde_json::Value` it would
/// take a hundred times as much: whoever doesn't trust the sender reads no such value.
pub const MAX: u32 = 16 << 20;

/// Writes `value` as one frame.
///
/// # Errors
/// `InvalidData` for a message longer than [`MAX`] or a value that JSON cannot represent; otherwise the stream's error.
pub fn send(stream: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    stream.write_all(&encode(value)?)
}

/// The bytes of `value` as one frame.
///
/// # Errors
/// `InvalidData` for a message longer than [`MAX`] or a value that JSON cannot represent.
pub fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value)?;
    let length = u32::try_from(frame.len() - 4)
        .ok()
        .filter(|length| *length <= MAX)
        .ok_or_else(|| invalid(format!("a message of {} bytes", frame.len() - 4)))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// Reads one frame.
///
/// # Errors
/// `UnexpectedEof` when the stream ends before the frame does, `InvalidData` for a message that is longer than [`MAX`] or
/// isn't a `T`; otherwise the stream's error.
pub fn recv<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MAX {
        return Err(invalid(format!("a message of {length} bytes")));
    }
    // Grows with what arrives: a length alone allocates nothing.
    let mut text = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut text)?;
    if text.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    parse(&text)
}

/// Frames from a stream that doesn't block, so that a deadline holds for a whole frame however slowly it arrives.
#[derive(Debug, Default)]
pub struct Incoming {
    /// What has arrived of the frame at hand, its length included.
    bytes: Vec<u8>,
}

impl Incoming {
    /// Reads what has arrived; `None` while the frame isn't complete. Bytes of the next frame stay in the stream.
    ///
    /// # Errors
    /// As [`recv`].
    pub fn recv<T: DeserializeOwned>(&mut self, stream: &mut impl Read) -> io::Result<Option<T>> {
        let mut piece = [0; 16 << 10];
        loop {
            let missing = self.missing()?;
            if missing == 0 {
                return parse(&std::mem::take(&mut self.bytes)[4..]).map(Some);
            }
            let most = missing.min(piece.len());
            match stream.read(&mut piece[..most]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.bytes.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// How many bytes are known to be missing: of the length, then of the text.
    fn missing(&self) -> io::Result<usize> {
        let Some((length, text)) = self.bytes.split_first_chunk() else {
            return Ok(4 - self.bytes.len());
        };
        let length = u32::from_be_bytes(*length);
        if length > MAX {
            return Err(invalid(format!("a message of {length} bytes")));
        }
        Ok(length as usize - text.len())
    }
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> io::Result<T> {
    // Not by `From`: JSON that breaks off is no end of the stream.
    serde_json::from_slice(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{what}, more than the {} MiB allowed", MAX >> 20),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_trip() {
        let mut stream = Vec::new();
        send(&mut stream, &vec![1u64, u64::MAX]).unwrap();
        send(&mut stream, &"and a second").unwrap();
        let mut stream = stream.as_slice();
        assert_eq!(recv::<Vec<u64>>(&mut stream).unwrap(), [1, u64::MAX]);
        assert_eq!(recv::<String>(&mut stream).unwrap(), "and a second");
    }

    #[test]
    fn a_message_cut_off_anywhere_is_an_unexpected_end() {
        let mut whole = Vec::new();
        send(&mut whole, &"some text").unwrap();
        for length in 0..whole.len() {
            let error = recv::<String>(&mut &whole[..length]).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::UnexpectedEof,
                "after {length} bytes"
            );
        }
    }

    /// Gives one byte at a time, and in between has none.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.read(&mut into[..1])
        }
    }

    #[test]
    fn frames_that_arrive_byte_by_byte_are_put_together() {
        let mut whole = Vec::new();
        send(&mut whole, &vec![1u64, u64::MAX]).unwrap();
        send(&mut whole, &[0u64; 0]).unwrap();
        let mut stream = Slow(&whole, false);
        let mut incoming = Incoming::default();
        let mut found = Vec::new();
        let mut calls = 0;
        while found.len() < 2 {
            found.extend(incoming.recv::<Vec<u64>>(&mut stream).unwrap());
            calls += 1;
        }
        assert_eq!(found, [vec![1, u64::MAX], vec![]]);
        assert_eq!(calls, whole.len() + 2);
        let error = loop {
            if let Err(error) = incoming.recv::<u64>(&mut stream) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_text_arrives() {
        let frame = (MAX + 1).to_be_bytes();
        let error = Incoming::default().recv::<String>(&mut frame.as_slice());
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_length_over_the_limit_is_refused() {
        let frame = (MAX + 1).to_be_bytes();
        let error = recv::<String>(&mut frame.as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn bytes_that_are_no_json_are_refused() {
        let frame = [0, 0, 0, 1, b'{'];
        let error = recv::<String>(&mut frame.as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let frame = [0, 0, 0, 2, b'}', b'}'];
        let error = recv::<String>(&mut frame.as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
