//! Step 2: a worker process that answers requests over two pipes.

use os::process::Child;
use std::io::{self, PipeReader, PipeWriter};

/// The most bytes that a request or an answer may have.
pub const LIMIT: usize = 1 << 26;

/// A process that answers requests, one after the other.
///
/// The fields are a suggestion: change them as you like.
#[derive(Debug)]
pub struct Worker {
    /// The end of the first pipe, into which you write requests.
    pub requests: PipeWriter,
    /// The end of the second pipe, from which you read answers.
    pub answers: PipeReader,
    /// The process.
    pub child: Child<()>,
}

impl Worker {
    /// Forks a process that answers every request with what `serve` returns for it.
    ///
    /// Requests and answers travel as frames ([`send_frame`](crate::framing::send_frame)), through two pipes. The worker
    /// ends when it finds the end of the requests. It also ends when this process dies, at whatever moment. No process
    /// keeps an end that it doesn't use, even when several workers live at the same time: each of them ends on its own.
    ///
    /// # Errors
    /// When the pipes can't be made, or the process can't be forked. Nothing is left behind then.
    pub fn start(serve: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<Self> {
        let _ = serve;
        todo!(
            "make two pipes, fork a worker that reads requests and writes answers, keep your two ends"
        )
    }

    /// Sends a request and returns the worker's answer.
    ///
    /// # Errors
    /// - `BrokenPipe` when the worker has ended, no matter whether sending the request or receiving the answer shows
    ///   it. This process survives it. A request of more than [`LIMIT`] bytes ends the worker.
    /// - `InvalidData` when the answer has more than [`LIMIT`] bytes. Then only [`stop`](Self::stop) is of use: the rest of
    ///   the answer is still in the pipe.
    pub fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        todo!(
            "send the request of {} bytes, receive the answer",
            request.len()
        )
    }

    /// Tells the worker that no more requests follow, and waits until it has ended, even if it is still writing an
    /// answer that was too long. Nothing of it is left then.
    ///
    /// # Errors
    /// When the worker did not end by itself: it panicked, exited or was killed. After a request or an answer that was too
    /// long, an error is optional.
    pub fn stop(self) -> io::Result<()> {
        todo!("close both ends, then wait for the process")
    }
}
