//! The judge's side: starts a subject, waits with a deadline, and says how it ended.

use crate::failure::{self, Status};
use crate::random;
use crate::subject::ENTRY;
use crate::wire::{self, Job, Reply};
use serde::{Serialize, de::DeserializeOwned};
use std::ffi::OsString;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A subject that waits for something for this long has hung.
const DEADLINE: Duration = Duration::from_secs(2);
/// One that still computes is given more, since the machine may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a first timeout the learner knows; the tests that hang as well are not to take minutes.
static HUNG: AtomicBool = AtomicBool::new(false);
const NEXT_DEADLINE: Duration = Duration::from_millis(1000);
const NEXT_PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of a subject's output that are kept; one that prints ten times as much is ended.
const KEEP: usize = 64 * 1024;

/// A subject at work. Dropping it ends the subject and all that it started.
pub struct Call<T> {
    /// What a learner calls the function that runs there.
    function: &'static str,
    judge: UnixStream,
    subject: Subject,
    said: u32,
    returns: PhantomData<T>,
}

#[doc(hidden)]
pub fn start<T>(entry: &'static str, function: &'static str, input: &impl Serialize) -> Call<T> {
    if std::env::var_os(ENTRY).is_some() {
        // Else a subject that does not know its entry would run all the tests, each starting subjects.
        failure::infrastructure(format!("{ENTRY} is set: a subject must not judge"));
    }
    match Subject::start(entry) {
        Ok((subject, mut judge)) => {
            let job = Job {
                input: serde_json::to_value(input).expect("inputs are plain data"),
                seed: random::seed(),
            };
            // A subject that died already shows when its answer is awaited.
            let _ = wire::send(&mut judge, &job);
            let mut call = Call {
                function,
                judge,
                subject,
                said: 0,
                returns: PhantomData,
            };
            call.expect_ready();
            call
        }
        Err(error) => failure::infrastructure(format!("no subject could be started: {error}")),
    }
}

impl<T> Call<T> {
    /// A subject that ends before the learner's code began was not ended by the learner's code.
    fn expect_ready(&mut self) {
        let got = self.reply();
        if matches!(got, Got::Reply(Reply::Ready)) {
            return;
        }
        let (status, output) = self.subject.stop();
        failure::infrastructure(format!(
            "the subject of {} did not begin: it {}; is it made from the same tests?{output}",
            self.function,
            ended(status)
        ))
    }

    fn parse<V: DeserializeOwned>(&mut self, value: serde_json::Value) -> V {
        serde_json::from_value(value)
            .unwrap_or_else(|error| self.fail_unanswered(&Got::Broken(error.to_string())))
    }

    fn fail_unanswered(&mut self, got: &Got) -> ! {
        let (status, output) = self.subject.stop();
        let function = self.function;
        match got {
            Got::Late(waited) => failure::fail(
                Status::Timeout,
                format!(
                    "No answer from {function} in {} s: it hangs, or waits for something that never \
                     comes.{output}",
                    waited.as_secs()
                ),
            ),
            Got::Flood => failure::fail(
                Status::Failed,
                format!(
                    "{function} printed more than {} KiB and was ended.{output}",
                    10 * KEEP / 1024
                ),
            ),
            // It was ready, so the learner's code has run: what comes from here on is on its account.
            Got::Broken(why) => failure::fail(
                Status::Crash,
                format!(
                    "{function} gave no answer: its process sent something else: {why}{output}"
                ),
            ),
            _ => {
                let after = match self.said {
                    0 => String::new(),
                    said => format!(", after {said} messages"),
                };
                failure::fail(
                    Status::Crash,
                    format!(
                        "{function} gave no answer: its process {}{after}.{output}",
                        ended(status)
                    ),
                )
            }
        }
    }

    /// Waits for what the subject sends next.
    fn reply(&mut self) -> Got {
        let begin = Instant::now();
        let (mut waited, patience) = match HUNG.load(Relaxed) {
            false => (DEADLINE, PATIENCE),
            true => (NEXT_DEADLINE, NEXT_PATIENCE),
        };
        loop {
            let left = (begin + waited).saturating_duration_since(Instant::now());
            if left.is_zero() {
                if waited < patience && self.subject.computes() {
                    waited += Duration::from_millis(500);
                    continue;
                }
                HUNG.store(true, Relaxed);
                return Got::Late(waited);
            }
            if self.subject.floods() {
                return Got::Flood;
            }
            // Short waits, so that a flood is seen too.
            match ready(&self.judge, left.min(Duration::from_millis(100))) {
                Ok(false) => {}
                Ok(true) => {
                    // Once it begins to come it is whole soon; a subject that stops within one is cut off.
                    let _ = self.judge.set_read_timeout(Some(DEADLINE));
                    return match wire::receive(&mut self.judge) {
                        Ok(reply) => Got::Reply(reply),
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Got::End,
                        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Got::End,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            Got::Late(begin.elapsed())
                        }
                        Err(error) => Got::Broken(error.to_string()),
                    };
                }
                Err(error) => return Got::Broken(error.to_string()),
            }
        }
    }
}

impl<T: DeserializeOwned> Call<T> {
    /// Sends a value to the subject, which takes it with [`crate::hear`].
    pub fn tell(&mut self, value: &impl Serialize) {
        // A subject that died already shows when its answer is awaited.
        let _ = wire::send(&mut self.judge, value);
    }

    /// Waits for what the subject sends with [`crate::tell`]; a subject that ends first fails the test.
    ///
    /// # Panics
    /// To fail the test.
    pub fn hear<S: DeserializeOwned>(&mut self) -> S {
        match self.reply() {
            Got::Reply(Reply::Said(value)) => {
                self.said += 1;
                self.parse(value)
            }
            Got::Reply(Reply::Panicked(panic)) => {
                let output = self.subject.stop().1;
                failure::learner_panicked(&panic, &output)
            }
            Got::Reply(Reply::Returned(value)) => failure::fail(
                Status::Failed,
                format!(
                    "{} returned {value} before it had done what was to be seen first",
                    self.function
                ),
            ),
            got => self.fail_unanswered(&got),
        }
    }

    /// Waits for the answer; a subject that gives none fails the test.
    ///
    /// # Panics
    /// To fail the test.
    #[must_use]
    pub fn finish(mut self) -> T {
        match self.reply() {
            Got::Reply(Reply::Returned(value)) => self.parse(value),
            Got::Reply(Reply::Panicked(panic)) => {
                let output = self.subject.stop().1;
                failure::learner_panicked(&panic, &output)
            }
            Got::Reply(Reply::Said(_) | Reply::Ready) => {
                self.fail_unanswered(&Got::Broken("more messages than were asked for".into()))
            }
            got => self.fail_unanswered(&got),
        }
    }
}

enum Got {
    Reply(Reply),
    /// The subject closed its side.
    End,
    Late(Duration),
    Flood,
    Broken(String),
}

fn ready(stream: &UnixStream, time: Duration) -> io::Result<bool> {
    use std::os::fd::AsRawFd;
    let mut poll = libc::pollfd {
        fd: stream.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let millis = i32::try_from(time.as_millis().max(1)).unwrap_or(i32::MAX);
    // SAFETY: one pollfd, which is ours.
    match unsafe { libc::poll(&raw mut poll, 1, millis) } {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
        count => Ok(count > 0),
    }
}

fn ended(status: Option<ExitStatus>) -> String {
    match status {
        None => "was ended by the judge".into(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(0), _) => "exited with code 0 before it returned".into(),
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => {
                format!("was killed by {}", os_core::process::signal_name(signal))
            }
            (None, None) => "ended in an unknown way".into(),
        },
    }
}

/// The process, its group, and what it prints.
struct Subject {
    child: Child,
    output: Vec<Capture>,
    stopped: Option<(Option<ExitStatus>, String)>,
}

impl Subject {
    fn start(entry: &str) -> io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let program = match std::env::var_os("CHECKS_SUBJECT") {
            Some(path) => path,
            None => OsString::from(std::env::current_exe()?),
        };
        let mut child = Command::new(&program)
            // Never matches: a binary that does not know the entry runs no test.
            .args(["--exact", "this process is a subject"])
            .env(ENTRY, entry)
            .env("RUST_BACKTRACE", "0")
            .env_remove("CHECKS_REPORT")
            .env_remove("CHECKS_SUBJECT")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", program.display()))
            })?;
        let output = vec![
            Capture::of(child.stdout.take()),
            Capture::of(child.stderr.take()),
        ];
        let subject = Self {
            child,
            output,
            stopped: None,
        };
        Ok((subject, ours))
    }

    /// Whether a process of the subject's group wants the processor, rather than waits for something.
    fn computes(&self) -> bool {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return false;
        };
        let group = self.child.id().to_string();
        processes.flatten().any(|process| {
            std::fs::read_to_string(process.path().join("stat")).is_ok_and(|stat| {
                // `pid (name) state ppid pgrp …`
                let mut words = stat.rsplit(") ").next().unwrap_or("").split(' ');
                let (state, process_group) = (words.next(), words.nth(1));
                process_group == Some(&group) && matches!(state, Some("R" | "D"))
            })
        })
    }

    fn floods(&self) -> bool {
        self.output.iter().any(Capture::floods)
    }

    /// Ends the subject and all of its group; says how it ended, if by itself, and what it printed.
    fn stop(&mut self) -> (Option<ExitStatus>, String) {
        if let Some(stopped) = &self.stopped {
            return stopped.clone();
        }
        // One that closed its socket is about to end, or did: that is how it ended, not our signal.
        let status = self.ends_within(Duration::from_millis(200));
        self.kill_group();
        let _ = self.child.wait();
        let printed: Vec<String> = self.output.iter_mut().map(Capture::take).collect();
        let mut text = String::new();
        for (name, printed) in ["output", "error output"].into_iter().zip(printed) {
            if !printed.trim().is_empty() {
                text += &format!(
                    "\n\n  its {name}:\n    {}",
                    printed.trim_end().replace('\n', "\n    ")
                );
            }
        }
        self.stopped = Some((status, text.clone()));
        (status, text)
    }

    /// How the subject ended, if it does in this time.
    fn ends_within(&mut self, time: Duration) -> Option<ExitStatus> {
        #[cfg(target_os = "linux")]
        let waited =
            os_core::process::PidFd::open(self.child.id()).and_then(|pid| pid.wait_timeout(time));
        #[cfg(not(target_os = "linux"))]
        let waited = {
            let begin = Instant::now();
            while begin.elapsed() < time && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok::<_, io::Error>(true)
        };
        waited.ok()?;
        self.child.try_wait().ok().flatten()
    }

    fn kill_group(&self) {
        let Ok(group) = libc::pid_t::try_from(self.child.id()) else {
            return;
        };
        // SAFETY: the group is the one that this subject was started in; the subject has not been reaped
        // or, if it has, its children keep the number, and without any the signal reaches nobody.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if self.stopped.is_none() {
            self.kill_group();
            let _ = self.child.wait();
        }
    }
}

/// Reads a stream to its end on a thread of its own, and keeps the beginning.
struct Capture {
    chunks: Receiver<Vec<u8>>,
    count: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Capture {
    fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let (sender, chunks) = channel();
        let count = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
        let total = count.clone();
        if let Some(mut stream) = stream {
            std::thread::spawn(move || {
                let mut chunk = vec![0; 8192];
                while let Ok(read @ 1..) = stream.read(&mut chunk) {
                    let before = total.fetch_add(read, Relaxed);
                    if before < KEEP && sender.send(chunk[..read].to_vec()).is_err() {
                        break;
                    }
                }
            });
        }
        Self { chunks, count }
    }

    fn floods(&self) -> bool {
        self.count.load(Relaxed) > 10 * KEEP
    }

    /// What was printed. A process that left the group may hold the stream open: it is not waited for.
    fn take(&mut self) -> String {
        let mut bytes = Vec::new();
        let deadline = Instant::now() + Duration::from_millis(500);
        while let Ok(chunk) = self
            .chunks
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            bytes.extend(chunk);
        }
        // Rust's runtime advises on backtraces, which say nothing of the learner's code here.
        let mut text: String = String::from_utf8_lossy(&bytes)
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"))
            .collect();
        if self.count.load(Relaxed) > KEEP {
            text += "\n[… cut off]";
        }
        text
    }
}
