//! Wrong: keeps the worker's ends open in the parent
//! Changes: worker
//! Fails: worker::nobody_keeps_an_end_that_it_does_not_use
//! Section: ipc/exercise.md#who-holds-which-end

pub struct Worker {
    requests: ParentOnly<PipeWriter>,
    answers: ParentOnly<PipeReader>,
    child: Child<()>,
    theirs: (PipeReader, PipeWriter),
}

impl Worker {
    pub fn start(serve: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<Self> {
        let (mut worker_reads, requests) = io::pipe()?;
        let (answers, mut worker_writes) = io::pipe()?;
        // In every child that is forked from now on, this worker's and later ones', these two are closed.
        let requests = ParentOnly::new(requests);
        let answers = ParentOnly::new(answers);
        // The closure takes over the worker's ends, so this process drops its copies together with the closure.
        let (theirs_read, theirs_write) = (worker_reads.try_clone()?, worker_writes.try_clone()?);
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
            theirs: (theirs_read, theirs_write),
        })
    }

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

    pub fn stop(self) -> io::Result<()> {
        let Self {
            requests,
            answers,
            child,
            theirs,
        } = self;
        drop(theirs);
        drop(requests); // the worker finds the end of the requests
        drop(answers); // and would not block on an answer that nobody takes
        child.wait()
    }
}
