//! Step 1: frames in a stream of bytes, as CPython's `Connection` sends them.

use std::io::{self, Read, Write};

/// The largest body, in bytes, that is sent together with its header, in one write.
pub const JOINED: usize = 16 * 1024;

/// Returns the header that goes before a body of `len` bytes.
///
/// Up to 2³¹ − 1 bytes it is the length as an `i32`, four bytes in network byte order (big-endian). A longer body has the
/// large form: −1 as such an `i32`, then the length as a `u64`, in network byte order too.
///
/// ```text
/// header(5)     == [0, 0, 0, 5]
/// header(70000) == [0, 1, 17, 112]
/// ```
#[must_use]
pub fn header(len: u64) -> Vec<u8> {
    match i32::try_from(len) {
        Ok(len) => len.to_be_bytes().to_vec(),
        Err(_) => [&(-1i32).to_be_bytes()[..], &len.to_be_bytes()].concat(),
    }
}

/// Sends `body` as one frame: its header, then its bytes.
///
/// A body of up to [`JOINED`] bytes is sent together with its header, in one write. A longer one is written from where
/// it is, without being copied into a buffer first. Whatever the stream takes at a time, all bytes arrive, in order: a
/// write may take only some of them, and one that was interrupted by a signal is tried again.
///
/// # Errors
/// Those of the stream, as they are. `WriteZero` when it takes no more bytes.
pub fn send_frame(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    // A `usize` has at most 64 bits. `write_all` goes on after a part and after a signal, and knows `WriteZero`.
    let mut header = header(body.len() as u64);
    if body.len() <= JOINED {
        header.extend_from_slice(body);
        return stream.write_all(&header);
    }
    stream.write_all(&header)?;
    stream.write_all(body)
}

/// Receives one frame and returns its body; `None` if the stream ends before the frame begins.
///
/// Understands both forms of the header. Takes the bytes of this frame from the stream and not one more, however they
/// come: a read may return only some of them, and one that was interrupted by a signal is tried again.
///
/// # Errors
/// - `UnexpectedEof` when the stream ends inside the frame, in its header or in its body.
/// - `InvalidData` when the header announces more than `limit` bytes, or a negative number other than −1. It is
///   returned as soon as the header is there: nothing is read after it, and no memory is allocated for the body.
/// - Those of the stream, as they are.
pub fn recv_frame(stream: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; 1];
    loop {
        match stream.read(&mut first) {
            Ok(0) => return Ok(None), // between two frames: the peer is done
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // From here on the frame has begun: an end of the stream is an error, and `read_exact` says so.
    let mut rest = [0; 3];
    stream.read_exact(&mut rest)?;
    let len = match i32::from_be_bytes([first[0], rest[0], rest[1], rest[2]]) {
        -1 => {
            let mut large = [0; 8];
            stream.read_exact(&mut large)?;
            u64::from_be_bytes(large)
        }
        small => u64::try_from(small).map_err(|_| invalid(format!("a frame of {small} bytes")))?,
    };
    let len = usize::try_from(len)
        .ok()
        .filter(|len| *len <= limit)
        .ok_or_else(|| invalid(format!("a frame of {len} bytes; the limit is {limit}")))?;
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
