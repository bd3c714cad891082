//! CPython as the peer of an exercise.

use crate::{failure, judge};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use supervise::python::Search;
use supervise::{Clock, End, Group, Limits, Patience};
use wire::status::Status;

/// A peer that says nothing for this long, and waits, has hung.
const WAITS: Duration = Duration::from_secs(10);

/// So has one that computes for this long. On a busy machine even its start takes more than ten seconds.
const COMPUTES: Duration = Duration::from_secs(60);

/// The oldest version that can be a peer.
const OLDEST: (u32, u32) = (3, 8);

/// Whatever becomes of the judge, no peer outlives it by much, even in the middle of a call that waits for others. A second
/// after its standard input is closed, it ends as `sys.exit` would end it.
const LIFETIME: &str = "\
import _thread, select, signal, sys
def lifetime(main):
    end = select.poll()
    end.register(0, 0)
    end.poll()
    select.select([], [], [], 1)
    signal.pthread_kill(main, signal.SIGTERM)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
signal.alarm(600)
_thread.start_new_thread(lifetime, (_thread.get_ident(),))
del lifetime";

/// A CPython interpreter.
#[derive(Clone, Debug)]
pub struct Python {
    executable: OsString,
    /// As `3.13.0`.
    pub version: String,
}

/// The CPython of this machine: `CHECKS_PYTHON`, else `python3`.
///
/// `None` says so on standard error, past libtest's capture, and the test should return: it is skipped.
/// With `python` in `COURSE_REQUIRE` it fails instead.
#[must_use]
pub fn python() -> Option<&'static Python> {
    match lookup() {
        Ok(python) => Some(python),
        // The grader has tried this one: it is there, and slow today.
        Err(why) if is_given() => failure::infrastructure(why),
        Err(why) => {
            failure::skip("python", why);
            None
        }
    }
}

/// The same, without a word if there is none.
#[must_use]
pub fn find_python() -> Option<&'static Python> {
    lookup().as_ref().ok()
}

fn lookup() -> &'static Result<Python, String> {
    static FOUND: OnceLock<Result<Python, String>> = OnceLock::new();
    FOUND.get_or_init(find)
}

/// Whether this is Linux, for a test that needs it; else says so, as [`python`] does.
#[must_use]
pub fn linux(why: &str) -> bool {
    if cfg!(target_os = "linux") {
        return true;
    }
    failure::skip("linux", &format!("it needs Linux: {why}"));
    false
}

/// Whether a grader says which Python to take.
fn is_given() -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    is_set("CHECKS_CONTAINED") && is_set("CHECKS_PYTHON")
}

fn find() -> Result<Python, String> {
    let search = Search::from_env("CHECKS_PYTHON", OLDEST);
    let named = search
        .named
        .clone()
        .unwrap_or_else(|| OsString::from("python3"));
    let found = search.one(Path::new(&named)).map_err(|error| {
        let (major, minor) = OLDEST;
        format!("{error}; install CPython {major}.{minor} or newer, or name one in CHECKS_PYTHON")
    })?;
    Ok(Python {
        version: found.version,
        // The real executable spares a shim's start at every peer.
        executable: found.executable.into(),
    })
}

impl Python {
    /// Starts a script that talks in lines: `print` to send, `input` to receive.
    ///
    /// It is ended when the [`Peer`] is dropped, and by itself after ten minutes.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn peer(&self, script: &str, arguments: &[&str]) -> Peer {
        let script = format!("{LIFETIME}\n{script}");
        let mut command = Command::new(&self.executable);
        command
            // Isolated from the learner's environment, and without site-packages: half the time to start.
            .args(["-E", "-S", "-u", "-c", &script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut group = Group::spawn(&mut command, Limits::default()).unwrap_or_else(|error| {
            failure::infrastructure(format!(
                "{} cannot be started: {error}",
                self.executable.display()
            ))
        });
        let (sender, lines) = channel();
        let stdout = group.take_stdout().expect("its output is a pipe");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut stderr = group.take_stderr().expect("its error output is a pipe");
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Peer {
            stdin: group.take_stdin(),
            group: Some(group),
            has_answered: false,
            lines,
            errors: Some(errors),
        }
    }
}

/// A Python script at work. Dropping it ends it.
pub struct Peer {
    group: Option<Group>,
    stdin: Option<ChildStdin>,
    /// One that never did may have been too slow to start, or unable.
    has_answered: bool,
    lines: Receiver<String>,
    errors: Option<std::thread::JoinHandle<String>>,
}

impl Peer {
    /// The next line that it prints.
    ///
    /// # Panics
    /// When it ends first, or says nothing: for ten seconds while it waits, for a minute while it computes.
    #[must_use]
    pub fn recv(&mut self) -> String {
        let mut clock = Clock::start(Patience::new(WAITS, COMPUTES));
        loop {
            match self.lines.recv_timeout(clock.remaining()) {
                Ok(line) => {
                    self.has_answered = true;
                    return line;
                }
                Err(RecvTimeoutError::Timeout) => {
                    let group = self.group.as_ref().map_or(0, Group::id);
                    if let Some(up) = clock.is_up(group) {
                        let silent =
                            format!("the Python peer said nothing for {} s", up.after.as_secs());
                        let (what, _) = judge::where_it_waits(group);
                        // Whoever computes, or waits for the machine, may be slow. A lock or a pipe that nobody gives up is the
                        // work of a process in the same sandbox.
                        let is_held = ["file lock", "other end of a pipe"];
                        if self.has_answered && is_held.iter().any(|held| what.contains(held)) {
                            failure::disturbed(Status::Timeout, format!("{silent}: {what}"));
                        }
                        failure::infrastructure(silent);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let (end, errors) = self.wait();
                    let early = format!("the Python peer ended early: it {end}\n{errors}");
                    // An exception, or memory that is gone: it met what a process in the same sandbox left for it.
                    let is_disturbed = end.code().is_some() || end.signal() == Some(libc::SIGBUS);
                    if !self.has_answered || !is_disturbed {
                        failure::infrastructure(early);
                    }
                    failure::disturbed(Status::Crash, early)
                }
            }
        }
    }

    /// Sends it a line.
    pub fn send(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            // One that ended already shows at the next `recv`.
            let _ = writeln!(stdin, "{line}");
        }
    }

    /// Waits for the end of one that has closed its output; says how it ended, and what it complained of.
    fn wait(&mut self) -> (End, String) {
        let mut clock = Clock::start(Patience::new(WAITS, COMPUTES));
        let group = self.group.take().expect("it was started");
        while !group.has_ended() && clock.is_up(group.id()).is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let end = group.reap().map_or(End::Halted, End::Exited);
        (end, self.stop())
    }

    fn stop(&mut self) -> String {
        drop(self.stdin.take());
        drop(self.group.take()); // which kills it
        self.errors
            .take()
            .and_then(|errors| errors.join().ok())
            .unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}
