//! Wrong: kills a worker whose answer was too long, and doesn't wait for it
//! Changes: worker
//! Fails: worker::requests_and_answers_up_to_the_limit
//! Section: ipc/exercise.md#who-holds-which-end

#[derive(Debug)]
pub struct Worker {
    requests: ParentOnly<PipeWriter>,
    answers: ParentOnly<PipeReader>,
    child: Child<()>,
    refused: bool,
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
            while let Some(request) = recv_frame(&mut worker_reads, LIMIT)? {
                send_frame(&mut worker_writes, &serve(&request))?;
            }
            Ok(())
        })?;
        Ok(Self {
            requests,
            answers,
            child,
            refused: false,
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
            Err(error) => {
                self.refused = true;
                Err(error)
            }
        }
    }

    pub fn stop(self) -> io::Result<()> {
        let Self {
            requests,
            answers,
            child,
            refused,
        } = self;
        drop(requests); // the worker finds the end of the requests
        drop(answers); // and would not block on an answer that nobody takes
        if refused {
            let _ = child.kill();
            return Ok(());
        }
        child.wait()
    }
}
