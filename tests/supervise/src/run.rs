//! Runs a program to its end, in one call or in single steps.

use crate::{
    allowance::{Allowance, Share},
    end::End,
    group::Group,
    options::{Options, Outcome},
    output::{Capture, Keep, Stream},
    patience::{Clock, Patience, TimeUp},
    stop::Stop,
    sweep,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Signal,
};
use std::{
    io,
    ops::ControlFlow,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long output may still arrive once the program and its group are gone.
pub const DRAIN: Duration = Duration::from_millis(500);

/// How often the stop flag is looked at.
const TICK: Duration = Duration::from_millis(50);

/// How often a program is looked at where there is no pidfd to poll.
const TICK_WITHOUT_PIDFD: Duration = Duration::from_millis(5);

/// Runs `command` to its end. Standard input is empty; `on_line` gets each line of output as it comes, and ends the program by
/// returning `Break`.
///
/// Whatever the program started is killed with it: its process group, and, with [`Options::sweep`], what left the group.
///
/// # Errors
/// When the program can't be started. How it ends is in the outcome, never an error.
pub fn run(
    mut command: Command,
    options: &Options,
    stop: &Stop,
    mut on_line: impl FnMut(Stream, &str) -> ControlFlow<()>,
) -> io::Result<Outcome> {
    command.stdin(Stdio::null());
    let mut running = Running::spawn(&mut command, options)?;
    drop(command);
    let reason = loop {
        let wait = if stop.is_requested() {
            Duration::ZERO
        } else {
            TICK
        };
        let pumped = running.pump_lines(wait, &mut on_line)?;
        if pumped.is_break() {
            break Some(End::Halted);
        }
        if let Some(stream) = running.floods() {
            break Some(End::Flooded(stream));
        }
        if running.has_ended() {
            break None;
        }
        if stop.is_requested() {
            break Some(End::Stopped);
        }
        if let Some(up) = running.time_up() {
            break Some(End::TimeUp(up));
        }
    };
    running.finish_lines(reason, &mut on_line)
}

/// What a program prints to standard output, trimmed, if it ends well within `deadline`: for asking a program its version.
#[must_use]
pub fn answer(command: Command, deadline: Duration) -> Option<String> {
    let mut options = Options::new(deadline);
    options.flood = Some(1 << 20);
    options.stdout = Keep::First(1 << 20);
    let go_on = |_, _: &str| ControlFlow::Continue(());
    let outcome = run(command, &options, &Stop::new(), go_on).ok()?;
    let success = outcome.end.is_success();
    success.then(|| outcome.stdout.text().trim().to_owned())
}

/// A program at work, for a caller that talks to it: [`run`] in single steps. Dropping it kills the program's group.
///
/// Call [`pump`](Self::pump) in a loop, and ask [`time_up`](Self::time_up), [`floods`](Self::floods) and
/// [`has_ended`](Self::has_ended) in between. A program whose output nobody pumps blocks once the pipe is full.
#[derive(Debug)]
pub struct Running {
    group: Group,
    stdout: Capture,
    stderr: Capture,
    clock: Clock,
    patience: Patience,
    allowance: Option<Arc<Allowance>>,
    started: Instant,
    flood: Option<u64>,
    mark: Option<String>,
    /// Whether a wait has returned since the program ended.
    end_was_seen: bool,
}

impl Running {
    /// Starts `command` in a process group of its own. Its standard input is what the caller set.
    ///
    /// # Errors
    /// When the program can't be started.
    pub fn spawn(command: &mut Command, options: &Options) -> io::Result<Self> {
        let mark = options.sweep.then(sweep::mark);
        if let Some(mark) = &mark {
            let all = match std::env::var(sweep::MARK) {
                Ok(outer) => format!("{outer},{mark}"),
                Err(_) => mark.clone(),
            };
            command.env(sweep::MARK, all);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut group = Group::spawn(command, options.limits)?;
        let stdout = group.take_stdout().map(OwnedFd::from);
        let stderr = group.take_stderr().map(OwnedFd::from);
        let mut running = Self::new(group, stdout, stderr, options)?;
        (running.mark, running.started) = (mark, started);
        Ok(running)
    }

    /// Takes over a program that a fork server has forked, with the read ends of its output.
    #[cfg(target_os = "linux")]
    pub(crate) fn adopt(
        group: Group,
        stdout: OwnedFd,
        stderr: OwnedFd,
        options: &Options,
    ) -> io::Result<Self> {
        Self::new(group, Some(stdout), Some(stderr), options)
    }

    fn new(
        group: Group,
        stdout: Option<OwnedFd>,
        stderr: Option<OwnedFd>,
        options: &Options,
    ) -> io::Result<Self> {
        Ok(Self {
            stdout: Capture::new(stdout, options.stdout)?,
            stderr: Capture::new(stderr, options.stderr)?,
            clock: Clock::start(options.patience),
            allowance: None,
            patience: options.patience,
            started: Instant::now(),
            flood: options.flood,
            mark: None,
            end_was_seen: false,
            group,
        })
    }

    /// The id of the process, and of its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.group.id()
    }

    /// The program and its group.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Reads what the program has printed, and waits until there is more, the program ends, `also` becomes readable or
    /// `timeout` has passed. Returns whether `also` is readable (or at its end).
    ///
    /// # Errors
    /// When the system can't poll.
    pub fn pump(&mut self, also: Option<BorrowedFd<'_>>, timeout: Duration) -> io::Result<bool> {
        let mut ignore = |_, _: &str| ControlFlow::Continue(());
        let readable = self.wait(also, timeout)?;
        let _ = self.read(&mut ignore);
        Ok(readable)
    }

    /// Like [`pump`](Self::pump), and hands over each complete line, until `on_line` returns `Break`.
    ///
    /// # Errors
    /// When the system can't poll.
    pub fn pump_lines(
        &mut self,
        timeout: Duration,
        on_line: &mut dyn FnMut(Stream, &str) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        self.wait(None, timeout)?;
        Ok(self.read(on_line))
    }

    fn wait(&mut self, also: Option<BorrowedFd<'_>>, timeout: Duration) -> io::Result<bool> {
        let mut timeout = timeout.min(self.clock.remaining());
        if self.group.pidfd().is_none() {
            timeout = timeout.min(TICK_WITHOUT_PIDFD);
        }
        let mut fds = Vec::with_capacity(4);
        if let Some(fd) = also {
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        // Once the program has ended its pidfd stays readable, and polling it would not wait for anything else. The wait in
        // which it ends still returns at once: the caller may have asked a moment too early.
        let pidfd = self.group.pidfd().filter(|_| !self.end_was_seen);
        let ours = [self.stdout.fd(), self.stderr.fd(), pidfd];
        let ours = ours.into_iter().flatten();
        fds.extend(ours.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.end_was_seen = self.group.has_ended();
        Ok(also.is_some() && fds.first().is_some_and(|fd| !fd.revents().is_empty()))
    }

    fn read(
        &mut self,
        on_line: &mut dyn FnMut(Stream, &str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.stdout
            .pump(&mut |line| on_line(Stream::Stdout, line))?;
        self.stderr.pump(&mut |line| on_line(Stream::Stderr, line))
    }

    /// Whether the program has ended. Its children may still run.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.group.has_ended()
    }

    /// The stream to which the program has printed more than [`Options::flood`], if any.
    #[must_use]
    pub fn floods(&self) -> Option<Stream> {
        let most = self.flood?;
        if self.stdout.total() > most {
            Some(Stream::Stdout)
        } else if self.stderr.total() > most {
            Some(Stream::Stderr)
        } else {
            None
        }
    }

    /// Whether the program's time is up.
    pub fn time_up(&mut self) -> Option<TimeUp> {
        self.clock.is_up(self.group.id())
    }

    /// Gives the program its whole time again: it has answered, and is asked the next question.
    pub fn restart_clock(&mut self) {
        self.clock = Clock::start(self.patience);
        self.clock.share = self.allowance.as_ref().map(Share::of);
    }

    /// From now on the program's time is also up when it and the others with this allowance have used it up. Linux only.
    pub fn limit_processor_time(&mut self, allowance: &Arc<Allowance>) {
        self.allowance = Some(allowance.clone());
        self.restart_clock();
    }

    /// Waits, for at most `timeout`, until the program has ended by itself.
    ///
    /// # Errors
    /// When the system can't poll.
    pub fn wait_ended(&mut self, timeout: Duration) -> io::Result<bool> {
        let until = Instant::now() + timeout;
        while !self.has_ended() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.pump(None, left)?;
        }
        Ok(true)
    }

    /// Kills the program and all that it started, collects the rest of the output, and says how it ended: by itself if it
    /// had before or was about to, else for `reason`, [`End::Halted`] by default.
    ///
    /// # Errors
    /// When somebody else reaped the program.
    pub fn finish(self, reason: Option<End>) -> io::Result<Outcome> {
        self.finish_lines(reason, &mut |_, _| ControlFlow::Continue(()))
    }

    /// Like [`finish`](Self::finish), and hands over the lines that were still to come.
    ///
    /// # Errors
    /// When somebody else reaped the program.
    pub fn finish_lines(
        mut self,
        reason: Option<End>,
        on_line: &mut dyn FnMut(Stream, &str) -> ControlFlow<()>,
    ) -> io::Result<Outcome> {
        let ended = self.has_ended();
        let taken = self.started.elapsed();
        let mut left = Vec::new();
        if self.mark.is_some() {
            // Before the kill: afterwards nobody knows whose children they were.
            left = sweep::kill_family(self.group.id());
        }
        self.group.kill();
        // The group's own processes can hold the pipe no longer; the zombie still guards its id.
        self.group.wait_ended();
        if let Some(mark) = &self.mark {
            left.extend(sweep::kill_marked(mark));
            left.sort_by_key(|one| (one.pid, !one.in_group));
            left.dedup_by_key(|one| one.pid);
        }
        let halted = matches!(reason, Some(End::Halted));
        let mut ignore = |_: Stream, _: &str| ControlFlow::Continue(());
        let on_line = if halted { &mut ignore } else { on_line };
        let until = Instant::now() + DRAIN;
        let flooded = matches!(reason, Some(End::Flooded(_)));
        let mut halted_late = false;
        while !flooded && (self.stdout.fd().is_some() || self.stderr.fd().is_some()) {
            let wait = until.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            if drain(&mut self.stdout, &mut self.stderr, wait, on_line)?.is_break() {
                halted_late = true;
                break;
            }
        }
        let status = self.group.reap()?;
        let end = match reason {
            // Ended by itself in the meantime: that is what happened.
            Some(End::TimeUp(_) | End::Stopped) | None if ended => End::Exited(status),
            Some(reason) => reason,
            // It was ending already when it was killed: on a busy machine its files are closed long before it is a zombie.
            None if status.signal() != Some(Signal::KILL.as_raw()) => End::Exited(status),
            None => End::Halted,
        };
        if !ended {
            // What lived along with the program did not outlive it.
            left.clear();
        }
        Ok(Outcome {
            end: if halted_late { End::Halted } else { end },
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            taken,
            left,
        })
    }
}

/// Waits for more of the two streams, for at most `wait`, and reads it.
fn drain(
    stdout: &mut Capture,
    stderr: &mut Capture,
    wait: Duration,
    on_line: &mut dyn FnMut(Stream, &str) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let fds = [stdout.fd(), stderr.fd()];
    let fds = fds.iter().flatten();
    let mut fds: Vec<_> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN))
        .collect();
    let wait = Timespec {
        tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: wait.subsec_nanos().into(),
    };
    match poll(&mut fds, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    drop(fds);
    let mut out = |line: &str| on_line(Stream::Stdout, line);
    if stdout.pump(&mut out).is_break() {
        return Ok(ControlFlow::Break(()));
    }
    Ok(stderr.pump(&mut |line| on_line(Stream::Stderr, line)))
}
