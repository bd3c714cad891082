//! CPython as the peer of an exercise.

use crate::failure;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A peer that says nothing for this long has hung.
const DEADLINE: Duration = Duration::from_secs(10);

/// A CPython interpreter, 3.8 or newer.
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
    static FOUND: OnceLock<Result<Python, String>> = OnceLock::new();
    match FOUND.get_or_init(find) {
        Ok(python) => Some(python),
        Err(why) => {
            failure::skip("python", why);
            None
        }
    }
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

fn find() -> Result<Python, String> {
    let program = std::env::var_os("CHECKS_PYTHON").unwrap_or_else(|| "python3".into());
    let name = program.display().to_string();
    // `-S`: without site-packages. The real executable spares a shim's start at every peer.
    let output = Command::new(&program)
        .args(["-E", "-S", "-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} does not run ({error}); install Python 3.8 or newer"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim().split_once(' ') {
        Some((version, executable)) if output.status.success() => Ok(Python {
            executable: executable.into(),
            version: version.into(),
        }),
        _ => Err(format!(
            "{name} is no CPython 3.8 or newer; install one, or name one in CHECKS_PYTHON"
        )),
    }
}

const PROBE: &str = "import sys; assert sys.version_info >= (3, 8); \
    assert sys.implementation.name == 'cpython'; \
    print('.'.join(map(str, sys.version_info[:3])), sys.executable)";

impl Python {
    /// Starts a script that talks in lines: `print` to send, `input` to receive.
    ///
    /// It is ended when the [`Peer`] is dropped, and by itself after a minute.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn peer(&self, script: &str, arguments: &[&str]) -> Peer {
        // Whatever becomes of the judge, no peer outlives it by much.
        let script = format!("import signal; signal.alarm(60)\n{script}");
        let mut child = Command::new(&self.executable)
            // Isolated from the learner's environment, and without site-packages: half the time to start.
            .args(["-E", "-S", "-u", "-c", &script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| {
                failure::infrastructure(format!(
                    "{} does not start: {error}",
                    self.executable.display()
                ))
            });
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("its output is a pipe");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut stderr = child.stderr.take().expect("its error output is a pipe");
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Peer {
            stdin: child.stdin.take(),
            child,
            lines,
            errors: Some(errors),
        }
    }
}

/// A Python script at work. Dropping it ends it.
pub struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<std::thread::JoinHandle<String>>,
}

impl Peer {
    /// The next line that it prints.
    ///
    /// # Panics
    /// When it ends first, or says nothing for ten seconds.
    #[must_use]
    pub fn recv(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => failure::infrastructure(format!(
                "the Python peer said nothing for {} s",
                DEADLINE.as_secs()
            )),
            Err(RecvTimeoutError::Disconnected) => {
                let errors = self.stop();
                failure::infrastructure(format!("the Python peer ended early:\n{errors}"))
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

    fn stop(&mut self) -> String {
        drop(self.stdin.take());
        if let Ok(group) = libc::pid_t::try_from(self.child.id()) {
            // SAFETY: the group is the one that this peer was started in, and it has not been reaped.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        let _ = self.child.wait();
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
