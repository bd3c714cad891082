//! Right: stops the worker on drop, too
//! Changes: worker

pub struct Worker {
    requests: Option<ParentOnly<PipeWriter>>,
    answers: Option<ParentOnly<PipeReader>>,
    child: Option<Child<()>>,
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
            requests: Some(requests),
            answers: Some(answers),
            child: Some(child),
        })
    }

    pub fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        send_frame(&mut **self.requests.as_mut().ok_or_else(gone)?, request)?;
        match recv_frame(&mut **self.answers.as_mut().ok_or_else(gone)?, LIMIT) {
            Ok(Some(answer)) => Ok(answer),
            // The worker ended instead of an answer, or in the middle of one.
            Ok(None) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Err(error) => Err(error),
        }
    }

    pub fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        self.requests = None;
        self.answers = None;
        self.child.take().map_or(Ok(()), Child::wait)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
