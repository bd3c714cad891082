//! A subject as a process: its group, its socket, and what it prints.

use crate::subject::{MAGIC, Reply};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wire::frame;

/// Bytes of each output stream that are kept; a subject that prints ten times as much is ended.
const KEEP: usize = 64 * 1024;

/// Why waiting ended without a reply.
pub(super) enum Silence {
    /// The subject closed its side.
    End,
    /// The time was over.
    Late,
    /// It printed far too much.
    Flood,
    /// Something else came than a reply.
    Broken(String),
}

pub(super) struct Subject {
    child: Child,
    socket: UnixStream,
    output: [Capture; 2],
    stopped: Option<Option<ExitStatus>>,
}

impl Subject {
    pub fn start() -> io::Result<Self> {
        let (mut ours, theirs) = UnixStream::pair()?;
        // In the socket before the process exists, so that it knows at once what it is.
        ours.write_all(MAGIC)?;
        let program = match std::env::var_os("CHECKS_SUBJECT") {
            Some(path) => path,
            None => OsString::from(std::env::current_exe()?),
        };
        let mut command = Command::new(&program);
        // No argument and no variable says which test this is, or that it is one.
        for name in [
            "CHECKS_REPORT",
            "CHECKS_SUBJECT",
            "CHECKS_SEED",
            "CHECKS_PYTHON",
        ] {
            command.env_remove(name);
        }
        let mut child = command
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", program.display()))
            })?;
        let output = [
            Capture::new(child.stdout.take().map(OwnedFd::from)),
            Capture::new(child.stderr.take().map(OwnedFd::from)),
        ];
        Ok(Self {
            child,
            socket: ours,
            output,
            stopped: None,
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a message. A subject that has died shows when its answer is awaited.
    pub fn send(&mut self, message: &impl serde::Serialize) {
        let _ = frame::send(&mut self.socket, message);
    }

    /// Waits for the subject's next reply until `deadline`, and meanwhile takes what it prints.
    pub fn reply(&mut self, deadline: Instant) -> Result<Reply, Silence> {
        loop {
            if self.output.iter().any(Capture::floods) {
                return Err(Silence::Flood);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.poll(left) {
                Ok(true) => {}
                Ok(false) if left.is_zero() => return Err(Silence::Late),
                Ok(false) => continue,
                Err(error) => return Err(Silence::Broken(error.to_string())),
            }
            // Once a frame has begun, the rest follows at once; a subject that stops inside one is cut off.
            let _ = self.socket.set_read_timeout(Some(Duration::from_secs(10)));
            return frame::recv(&mut self.socket).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Silence::End,
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Silence::Late,
                _ => Silence::Broken(error.to_string()),
            });
        }
    }

    /// Waits until something can be read, and takes what was printed; says whether the socket has something.
    fn poll(&mut self, time: Duration) -> io::Result<bool> {
        self.poll_streams(Some(self.socket.as_raw_fd()), time)
    }

    fn poll_streams(&mut self, socket: Option<i32>, time: Duration) -> io::Result<bool> {
        let fds = [socket, self.output[0].fd(), self.output[1].fd()];
        let mut polls = fds.map(|fd| libc::pollfd {
            fd: fd.unwrap_or(-1), // which poll leaves out
            events: libc::POLLIN,
            revents: 0,
        });
        let millis = i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        // SAFETY: the array is ours and has the length given.
        if unsafe { libc::poll(polls.as_mut_ptr(), 3, millis) } < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error),
            };
        }
        for (capture, poll) in self.output.iter_mut().zip(&polls[1..]) {
            if poll.revents != 0 {
                capture.read_once();
            }
        }
        Ok(polls[0].revents != 0)
    }

    /// Ends the subject and all of its group; says how it ended, if by itself.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        if let Some(status) = self.stopped {
            return status;
        }
        // One that closed its socket is about to end, or did: that is how it ended, not our signal.
        let deadline = Instant::now() + Duration::from_millis(500);
        while !self.has_ended() && Instant::now() < deadline {
            // Its output still flows: a full pipe must not keep it from ending.
            let _ = self.poll_streams(None, Duration::from_millis(1));
        }
        let by_itself = self.has_ended();
        self.kill_group();
        let status = self.child.wait().ok().filter(|_| by_itself);
        // What is in the pipes now is all. A process that left the group may hold them open: it isn't waited for.
        for capture in &mut self.output {
            capture.drain();
        }
        self.stopped = Some(status);
        status
    }

    /// What the subject has printed, standard output first.
    pub fn printed(&self) -> String {
        self.output.iter().map(Capture::text).collect()
    }

    /// Whether the process has ended. It is not reaped, so its id can't come to mean another.
    fn has_ended(&self) -> bool {
        // SAFETY: a zeroed siginfo is valid, and it is ours to write to.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            libc::waitid(libc::P_PID, self.child.id(), &raw mut info, options) == 0
                && info.si_pid() != 0
        }
    }

    fn kill_group(&self) {
        let Ok(group) = libc::pid_t::try_from(self.child.id()) else {
            return;
        };
        // SAFETY: kill takes plain numbers. The leader has not been reaped (only `stop` does, after this), so the number
        // still means this group.
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

/// The beginning of an output stream.
struct Capture {
    stream: Option<std::fs::File>,
    kept: Vec<u8>,
    count: usize,
}

impl Capture {
    fn new(stream: Option<OwnedFd>) -> Self {
        Self {
            stream: stream.map(std::fs::File::from),
            kept: Vec::new(),
            count: 0,
        }
    }

    fn fd(&self) -> Option<i32> {
        self.stream.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Reads what is there, after poll said so.
    fn read_once(&mut self) {
        let mut chunk = [0; 8192];
        let read = match &mut self.stream {
            Some(stream) => stream.read(&mut chunk).unwrap_or(0),
            None => 0,
        };
        if read == 0 {
            self.stream = None;
        }
        self.count += read;
        let room = KEEP.saturating_sub(self.kept.len()).min(read);
        self.kept.extend(&chunk[..room]);
    }

    /// Reads what is there now, without waiting for more.
    fn drain(&mut self) {
        while let Some(fd) = self.fd() {
            let mut poll = libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one pollfd, which is ours.
            if self.floods() || unsafe { libc::poll(&raw mut poll, 1, 0) } <= 0 {
                break;
            }
            self.read_once();
        }
    }

    fn floods(&self) -> bool {
        self.count > 10 * KEEP
    }

    fn text(&self) -> String {
        // Rust's runtime advises on backtraces, which say nothing of the learner's code here.
        let mut text: String = String::from_utf8_lossy(&self.kept)
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"))
            .collect();
        if self.count > self.kept.len() {
            text += "\n[… cut off]\n";
        }
        text
    }
}

/// Kibibytes that a subject may print.
pub(super) const FLOOD_KIB: usize = 10 * KEEP / 1024;
