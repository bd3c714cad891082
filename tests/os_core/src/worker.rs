//! A forked process that answers questions.

use crate::child::Child;
use crate::descriptor::ParentOnly;
use crate::fork::fork;
use crate::{panics, poll};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Bytes of a task and of an answer.
const FRAME: usize = 8;

/// Bytes of a message in a crash report. With a longer one the report might not fit into its pipe, and the worker would wait for a
/// reader that waits for its end.
const LONGEST_MESSAGE: usize = 4000;

/// Tasks that one read takes in.
const BATCH: usize = 64;

/// A forked process that takes tasks from a pipe, one after the other, and writes an answer for each into another one.
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// use os::process::Worker;
/// let mut worker = Worker::start(|task| task * 2)?;
/// worker.send(&[20, 21])?;
/// let mut answers = Vec::new();
/// while answers.len() < 2 {
///     answers.extend(worker.answers()?);
/// }
/// assert_eq!(answers, [40, 42]);
/// assert_eq!(worker.finish()?.status, 0);
/// # Ok(())
/// # }
/// ```
///
/// The worker has written an answer before it begins the next task, so of several that it was sent, only the first one without
/// an answer can have begun. It ends when a task panics, after it has written a crash report; when it can't answer any
/// more; when it is idle and its [`Worker`] is gone; and, on Linux, when its parent ends.
#[derive(Debug)]
#[must_use = "a worker that nobody finishes stays behind as a zombie"]
pub struct Worker {
    child: Child<()>,
    tasks: ParentOnly<PipeWriter>,
    answers: ParentOnly<PipeReader>,
    report: ParentOnly<PipeReader>,
    /// The beginning of an answer of which more is to come.
    begun: Vec<u8>,
    /// Tasks sent, less answers received.
    unanswered: usize,
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerEnd {
    /// What the kernel's `wait` reports.
    pub status: i32,
    /// What the worker wrote of its crash: all of a report, the beginning of one, or nothing.
    pub report: Vec<u8>,
}

/// What a worker has of its pipes.
struct Ends {
    tasks: ParentOnly<PipeReader>,
    answers: ParentOnly<PipeWriter>,
    report: ParentOnly<PipeWriter>,
}

impl Worker {
    /// Tasks that can be without an answer at one time.
    pub const LIMIT: usize = 1024;

    /// Forks a process that answers each task with what `work` returns for it.
    ///
    /// # Errors
    /// Those of [`fork`], and of making pipes.
    pub fn start(work: impl FnMut(u64) -> u64) -> io::Result<Self> {
        let (their_tasks, tasks) = io::pipe()?;
        let (answers, their_answers) = io::pipe()?;
        let (report, their_report) = io::pipe()?;
        let tasks = ParentOnly::new(tasks);
        let answers = ParentOnly::new(answers);
        let report = ParentOnly::new(report);
        let child = fork(move || {
            // What the worker forks in turn has none of these.
            let ends = Ends {
                tasks: ParentOnly::new(their_tasks),
                answers: ParentOnly::new(their_answers),
                report: ParentOnly::new(their_report),
            };
            run(ends, work)
        })?;
        Ok(Self {
            child,
            tasks,
            answers,
            report,
            begun: Vec::new(),
            unanswered: 0,
        })
    }

    /// The worker's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Sends tasks, which the worker does in this order. Doesn't wait for it.
    ///
    /// # Errors
    /// `BrokenPipe` when the worker has ended; some of the tasks may have arrived before. `WouldBlock` when more than
    /// [`LIMIT`](Self::LIMIT) tasks would be without an answer: nothing is sent then.
    pub fn send(&mut self, tasks: &[u64]) -> io::Result<()> {
        if self.unanswered.saturating_add(tasks.len()) > Self::LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                format!(
                    "send: a worker can have {} tasks without an answer",
                    Self::LIMIT
                ),
            ));
        }
        self.unanswered += tasks.len();
        let bytes: Vec<u8> = tasks.iter().flat_map(|task| task.to_le_bytes()).collect();
        self.tasks.write_all(&bytes)
    }

    /// Waits until there is an answer, and returns all that have arrived, in the order of their tasks. None: the worker
    /// has ended, and there will be no more.
    ///
    /// # Errors
    /// The kernel's.
    pub fn answers(&mut self) -> io::Result<Vec<u64>> {
        let mut buffer = [0; FRAME * 512];
        loop {
            let count = match self.answers.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if count == 0 {
                return Ok(Vec::new());
            }
            self.begun.extend_from_slice(&buffer[..count]);
            let (frames, rest) = self.begun.as_chunks::<FRAME>();
            if frames.is_empty() {
                continue;
            }
            let answers: Vec<u64> = frames
                .iter()
                .map(|frame| u64::from_le_bytes(*frame))
                .collect();
            self.begun = rest.to_vec();
            self.unanswered = self.unanswered.saturating_sub(answers.len());
            return Ok(answers);
        }
    }

    /// Waits until at least one of the workers has an answer or has ended; returns the places of all that have. For these
    /// [`answers`](Self::answers) doesn't wait.
    ///
    /// # Errors
    /// When there are no workers; otherwise the kernel's.
    pub fn wait_any<'a>(workers: impl IntoIterator<Item = &'a Self>) -> io::Result<Vec<usize>> {
        let ends: Vec<BorrowedFd<'_>> = workers
            .into_iter()
            .map(|worker| worker.answers.as_fd())
            .collect();
        if ends.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "wait_any: there is no worker to wait for",
            ));
        }
        poll::readable(&ends, &|| None)
    }

    /// Kills the worker by SIGKILL. It stays behind as a zombie until [`finish`](Self::finish).
    ///
    /// # Errors
    /// The kernel's.
    pub fn kill(&self) -> io::Result<()> {
        self.child.kill()
    }

    /// Closes the worker's pipes, waits until it has ended, and says how. An idle worker ends by itself, with status 0;
    /// a busy one after its task. What it answered meanwhile is lost.
    ///
    /// # Errors
    /// The kernel's.
    pub fn finish(self) -> io::Result<WorkerEnd> {
        let Self {
            child,
            tasks,
            answers,
            mut report,
            ..
        } = self;
        drop((tasks, answers));
        let mut bytes = Vec::new();
        let read = report.read_to_end(&mut bytes);
        let status = child.finish()?.status;
        read?;
        Ok(WorkerEnd {
            status,
            report: bytes,
        })
    }
}

/// The worker's side.
fn run(mut ends: Ends, mut work: impl FnMut(u64) -> u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    crate::parent_death::die_with_parent()?;
    let mut buffer = [0; FRAME * BATCH];
    let mut filled = 0;
    loop {
        match ends.tasks.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let whole = filled - filled % FRAME;
        for frame in buffer[..whole].as_chunks::<FRAME>().0 {
            let task = u64::from_le_bytes(*frame);
            let answer = match catch_unwind(AssertUnwindSafe(|| work(task))) {
                Ok(answer) => answer,
                Err(payload) => {
                    let _ = ends
                        .report
                        .write_all(&report(task, &panics::describe(&*payload)));
                    resume_unwind(payload)
                }
            };
            match ends.answers.write_all(&answer.to_le_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()), // nobody listens any more
                written => written?,
            }
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

/// A crash report: the task, the length of the message in bytes, the message.
fn report(task: u64, message: &str) -> Vec<u8> {
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    let message = &message[..end];
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    [
        &task.to_le_bytes()[..],
        &length.to_le_bytes(),
        message.as_bytes(),
    ]
    .concat()
}
