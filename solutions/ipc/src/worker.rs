//! Step 2: a worker process that answers requests over two pipes.

use crate::framing::{recv_frame, send_frame};
use os::process::{self, Child, ParentOnly};
use std::io::{self, PipeReader, PipeWriter};

/// The most bytes that a request or an answer may have.
pub const LIMIT: usize = 1 << 26;

/// A process that answers requests, one after the other.
///
/// The fields are a suggestion: change them as you like.
#[derive(Debug)]
pub struct Worker {
    /// The end of the first pipe, into which you write requests.
    requests: ParentOnly<PipeWriter>,
    /// The end of the second pipe, from which you read answers.
    answers: ParentOnly<PipeReader>,
    /// The process.
    child: Child<()>,
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
        let (mut worker_reads, requests) = io::pipe()?;
        let (answers, mut worker_writes) = io::pipe()?;
        // In every child that is forked from now on, this worker's and later ones', these two are closed.
        let requests = ParentOnly::new(requests);
        let answers = ParentOnly::new(answers);
        // The closure takes over the worker's ends, so this process drops its copies together with the closure.
        let child = process::fork(move || {
            while let Some(request) = recv_frame(&mut worker_reads, LIMIT)? {
                send_frame(&mut worker_writes, &serve(&request))?;
            }
            Ok(())
        })?;
        Ok(Self {
            requests,
            answers,
            child,
        })
    }

    /// Sends a request and returns the worker's answer.
    ///
    /// # Errors
    /// - `BrokenPipe` when the worker has ended, no matter whether sending the request or receiving the answer shows
    ///   it. This process survives it. A request of more than [`LIMIT`] bytes ends the worker.
    /// - `InvalidData` when the answer has more than [`LIMIT`] bytes. Then only [`stop`](Self::stop) is of use: the rest of
    ///   the answer is still in the pipe.
    pub fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        send_frame(&mut *self.requests, request)?;
        match recv_frame(&mut *self.answers, LIMIT) {
            Ok(Some(answer)) => Ok(answer),
            // The worker ended instead of an answer, or in the middle of one.
            Ok(None) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the worker that no more requests follow, and waits until it has ended, even if it is still writing an
    /// answer that was too long. Nothing of it is left then.
    ///
    /// # Errors
    /// When the worker did not end by itself: it panicked, exited or was killed. After a request or an answer that was too
    /// long, an error is optional.
    pub fn stop(self) -> io::Result<()> {
        let Self {
            requests,
            answers,
            child,
        } = self;
        drop(requests); // the worker finds the end of the requests
        drop(answers); // and would not block on an answer that nobody takes
        child.wait()
    }
}
