//! Wrong: closes the parent's ends in this worker, but not in those that are forked later
//! Changes: worker
//! Fails: worker::nobody_keeps_an_end_that_it_does_not_use
//! Section: ipc/exercise.md#who-holds-which-end

use crate::framing::{recv_frame, send_frame};
use os::process::{self, Child};
use std::io::{self, PipeReader, PipeWriter};

pub struct Worker {
    requests: PipeWriter,
    answers: PipeReader,
    child: Child<()>,
}

impl Worker {
    pub fn start(serve: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<Self> {
        let (mut worker_reads, requests) = io::pipe()?;
        let (answers, mut worker_writes) = io::pipe()?;
        let mut ours = Some((requests, answers));
        let kept = &mut ours;
        // The closure takes over the worker's ends, so this process drops its copies together with the closure.
        let child = process::fork(move || {
            drop(kept.take()); // the child's copies
            while let Some(request) = recv_frame(&mut worker_reads, LIMIT)? {
                send_frame(&mut worker_writes, &serve(&request))?;
            }
            Ok(())
        })?;
        let (requests, answers) = ours.expect("the parent has its ends");
        Ok(Self {
            requests,
            answers,
            child,
        })
    }

    pub fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        send_frame(&mut self.requests, request)?;
        match recv_frame(&mut self.answers, LIMIT) {
            Ok(Some(answer)) => Ok(answer),
            // The worker ended instead of an answer, or in the middle of one.
            Ok(None) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Err(error) => Err(error),
        }
    }

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
