//! Length-prefixed JSON: four bytes of length, big-endian, then that many bytes of JSON.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// The longest message, in bytes. A longer one is refused before anything is allocated for it.
pub const MAX: u32 = 64 << 20;

/// Writes `value` as one frame.
///
/// # Errors
/// `InvalidData` for a message longer than [`MAX`] or a value that JSON cannot represent; otherwise the stream's error.
pub fn send(stream: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value)?;
    let length = u32::try_from(frame.len() - 4)
        .ok()
        .filter(|length| *length <= MAX)
        .ok_or_else(|| invalid(format!("a message of {} bytes", frame.len() - 4)))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&frame)
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
    // Not by `From`: JSON that breaks off is no end of the stream.
    serde_json::from_slice(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
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
