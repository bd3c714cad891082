//! Step 4: a pool that outlives its workers.

use crate::outcome::{CrashReport, Outcome};
use os::process::Worker;
use std::collections::VecDeque;
use std::io;

/// Why a task has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the last worker that worked on it ended.
    pub outcome: Outcome,
    /// The message of that worker's crash report, if it wrote one.
    pub message: Option<String>,
}

/// Runs `work` on every task in forked workers, and returns the answers in the order of `tasks`.
///
/// At most `workers` workers live at the same time, and never more than there are tasks. Each takes one task after the other,
/// and all work at the same time.
///
/// A worker may die at any moment: by a panic, by a signal, by an exit. If it was working on a task, that task fails, and its
/// place has a [`Failure`]; if `attempts` is more than 1, it is tried again, in another worker, until it has been tried
/// `attempts` times. No other task suffers: it runs exactly once, and its answer arrives, even if it was waiting for the
/// worker that died. A worker that dies is replaced while there are tasks to do. The death of an idle worker costs nothing.
///
/// When the function returns, even with an error, no process is left, running or as a zombie, and no descriptor. If the
/// process that called it is killed, by SIGKILL, its workers end, too. Without tasks no worker is started.
///
/// # Errors
/// When there are tasks, but `workers` or `attempts` is 0, or when a worker can't be started.
pub fn run_tasks(
    tasks: &[u64],
    workers: usize,
    attempts: usize,
    work: &dyn Fn(u64) -> u64,
) -> io::Result<Vec<Result<u64, Failure>>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    if workers == 0 || attempts == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "run_tasks: without workers and attempts no task is ever done",
        ));
    }
    let mut pool = Pool {
        tasks,
        work,
        attempts,
        most: workers.min(tasks.len()),
        waiting: (0..tasks.len()).collect(),
        tried: vec![0; tasks.len()],
        settled: vec![None; tasks.len()],
        members: Vec::new(),
    };
    let ran = pool.run();
    let ended = pool.end(ran.is_err());
    ran.and(ended)?;
    let settled: Option<Vec<_>> = pool.settled.into_iter().collect();
    settled.ok_or_else(|| io::Error::other("run_tasks: a task was never settled"))
}

/// Tasks that one worker has at a time at most, the one that it works on included.
const BATCH: usize = 256;

struct Pool<'a> {
    tasks: &'a [u64],
    work: &'a dyn Fn(u64) -> u64,
    attempts: usize,
    /// The most workers at a time.
    most: usize,
    /// Places of tasks that no worker has.
    waiting: VecDeque<usize>,
    /// For each task, in how many workers it has died.
    tried: Vec<usize>,
    settled: Vec<Option<Result<u64, Failure>>>,
    members: Vec<Member>,
}

struct Member {
    worker: Worker,
    /// Places of the tasks that the worker was sent and has not answered, in that order: it works on the first.
    sent: VecDeque<usize>,
}

impl Pool<'_> {
    fn run(&mut self) -> io::Result<()> {
        loop {
            // As many workers as there is work for.
            let busy = self.members.iter().filter(|m| !m.sent.is_empty()).count();
            let needed = (busy + self.waiting.len()).min(self.most);
            while self.members.len() < needed {
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
