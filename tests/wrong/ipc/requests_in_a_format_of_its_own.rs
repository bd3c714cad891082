//! Wrong: sends requests in a format of its own, and only answers as frames
//! Changes: worker
//! Fails: worker::a_request_is_a_frame
//! Section: ipc/exercise.md#step-2-a-worker

use crate::framing::{recv_frame, send_frame};
use os::process::{self, Child, ParentOnly};
use std::io::{self, PipeReader, PipeWriter, Read, Write};

fn recv_request(pipe: &mut PipeReader) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 8];
    let mut first = [0; 1];
    if pipe.read(&mut first)? == 0 {
        return Ok(None);
    }
    header[0] = first[0];
    pipe.read_exact(&mut header[1..])?;
    let len = u64::from_le_bytes(header) as usize;
    if len > LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; len];
    pipe.read_exact(&mut body)?;
    Ok(Some(body))
}

impl Worker {
    pub fn start(serve: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<Self> {
        let (mut worker_reads, requests) = io::pipe()?;
        let (answers, mut worker_writes) = io::pipe()?;
        // In every child that is forked from now on, this worker's and later ones', these two are closed.
        let requests = ParentOnly::new(requests);
        let answers = ParentOnly::new(answers);
        // The closure takes over the worker's ends, so this process drops its copies together with the closure.
        let child = process::fork(move || {
            while let Some(request) = recv_request(&mut worker_reads)? {
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

    pub fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = (request.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(request);
        self.requests.write_all(&bytes)?;
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
