//! Step 3: an open file handed to another process, over a Unix socket.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

/// Sends a request together with an open file, and returns the answer.
///
/// The request goes first, as a frame. A single byte, 1, follows with the descriptor attached. That is how CPython's
/// `multiprocessing.reduction.send_handle` sends one. The answer is a frame. The file stays the caller's.
///
/// An interrupted call is tried again.
///
/// # Errors
/// - `UnexpectedEof` when the stream ends where the answer should come, or inside it.
/// - `InvalidData` when the answer has more than [`LIMIT`](crate::worker::LIMIT) bytes.
/// - Those of the socket, as they are.
pub fn call(socket: &mut UnixStream, request: &[u8], file: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let _ = (socket, file);
    todo!(
        "send the request of {} bytes, then the descriptor; receive the answer",
        request.len()
    )
}

/// Answers requests, each with an open file, until the peer closes the socket.
///
/// For each request, `answer` gets its bytes and the file, and what it returns is sent back as a frame. The file is
/// closed when `answer` is done with it, unless `answer` keeps it. An interrupted call is tried again. Nothing is left
/// open.
///
/// # Errors
/// - `InvalidData` when no descriptor comes with the byte after the request, or that byte is not 1.
/// - `InvalidData` when the request has more than [`LIMIT`](crate::worker::LIMIT) bytes.
/// - `UnexpectedEof` when the socket ends after a request, where the descriptor should come, or inside a frame.
/// - Those of the socket, as they are.
pub fn serve(
    socket: &mut UnixStream,
    mut answer: impl FnMut(&[u8], File) -> Vec<u8>,
) -> io::Result<()> {
    let _ = (socket, &mut answer);
    todo!("for each request: receive its frame, then the descriptor, and send the answer")
}
