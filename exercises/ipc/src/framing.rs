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
    todo!("return the 4 bytes, or in the large form 12 bytes, that announce {len} bytes")
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
    let _ = stream;
    todo!("write the header and the {} bytes of the body", body.len())
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
    let _ = stream;
    todo!("read a header; if it announces at most {limit} bytes, read so many and return them")
}
