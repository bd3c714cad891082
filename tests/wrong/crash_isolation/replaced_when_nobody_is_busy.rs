//! Wrong: replaces a dead worker only when no other one is busy
//! Changes: pool
//! Fails: pool::a_worker_that_died_is_replaced
//! Section: crash_isolation/exercise.md#what-exactly-is-lost

impl Pool<'_> {
    fn run(&mut self) -> io::Result<()> {
        loop {
            // As many workers as there is work for.
            let busy = self.members.iter().filter(|m| !m.sent.is_empty()).count();
            let needed = (busy + self.waiting.len()).min(self.most);
            while self.members.iter().all(|m| m.sent.is_empty()) && self.members.len() < needed {
                let work = self.work;
                self.members.push(Member {
                    worker: Worker::start(work)?,
                    sent: VecDeque::new(),
                });
            }
            for index in 0..self.members.len() {
                if self.members[index].sent.is_empty() {
                    self.send(index)?;
                }
            }
            if self.waiting.is_empty() && self.members.iter().all(|m| m.sent.is_empty()) {
                return Ok(());
            }
            let ready = Worker::wait_any(self.members.iter().map(|member| &member.worker))?;
            // From the back: a member that is removed moves only those behind it.
            for index in ready.into_iter().rev() {
                self.receive(index)?;
            }
        }
    }

    /// Sends an idle worker its next tasks: many at once while many are left, so that neither side waits for the other
    /// between two of them; one at a time toward the end, so that no task waits behind another while a worker is idle.
    fn send(&mut self, index: usize) -> io::Result<()> {
        let share = self.waiting.len() / (4 * self.most);
        let count = share.clamp(1, BATCH).min(self.waiting.len());
        if count == 0 {
            return Ok(());
        }
        let member = &mut self.members[index];
        member.sent = self.waiting.drain(..count).collect();
        let batch: Vec<u64> = member.sent.iter().map(|place| self.tasks[*place]).collect();
        match member.worker.send(&batch) {
            // It has died idle, and has begun none of these.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                while let Some(place) = member.sent.pop_back() {
                    self.waiting.push_front(place);
                }
                Ok(())
            }
            sent => sent,
        }
    }

    fn receive(&mut self, index: usize) -> io::Result<()> {
        let answers = self.members[index].worker.answers()?;
        if answers.is_empty() {
            return self.bury(index);
        }
        for answer in answers {
            if let Some(place) = self.members[index].sent.pop_front() {
                self.settled[place] = Some(Ok(answer));
            }
        }
        Ok(())
    }

    /// Settles what a dead worker had. It worked on the first of its tasks; it never began the others.
    fn bury(&mut self, index: usize) -> io::Result<()> {
        let Member { worker, mut sent } = self.members.remove(index);
        let end = worker.finish()?;
        if let Some(place) = sent.pop_front() {
            self.tried[place] += 1;
            if self.tried[place] < self.attempts {
                self.waiting.push_back(place);
            } else {
                let report = CrashReport::decode(&end.report);
                self.settled[place] = Some(Err(Failure {
                    outcome: Outcome::from_status(end.status),
                    message: report.map(|report| report.message),
                }));
            }
        }
        self.waiting.extend(sent);
        Ok(())
    }

    /// Ends all workers: the idle ones by closing their pipes, all by force if something has failed.
    fn end(&mut self, by_force: bool) -> io::Result<()> {
        let mut outcome = Ok(());
        for member in self.members.drain(..) {
            if by_force {
                outcome = outcome.and(member.worker.kill());
            }
            outcome = outcome.and(member.worker.finish().map(drop));
        }
        outcome
    }
}
