//! A subject as a process: its socket, its group, and what it prints.

use super::{allowance, start};
use crate::failure;
use crate::subject::Reply;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use supervise::{End, Keep, Limits, Options, Outcome, Patience, Running};
use wire::frame::{self, Incoming};

/// A subject that only waits, for this long, has hung.
const WAITS: Duration = Duration::from_secs(3);
/// One that computes gets more: the machine may be busy with other things.
const COMPUTES: Duration = Duration::from_secs(12);
/// How long a subject that has answered may take to end.
const GOODBYE: Duration = Duration::from_millis(500);
/// Bytes of each output stream that are kept; a subject that prints ten times as much is ended.
const KEEP: usize = 64 * 1024;
/// Kibibytes that a subject may print.
pub(super) const FLOOD_KIB: usize = 10 * KEEP / 1024;

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
    /// Doesn't block: a subject that stops in the middle of a message, or takes none, must not stop its judge.
    socket: UnixStream,
    incoming: Incoming,
    /// Whether its time was up, or it printed far too much: it won't end by itself.
    given_up: bool,
    state: State,
}

enum State {
    Running(Box<Running>),
    /// How it ended, if by itself; and what it printed.
    Ended(Option<End>, String),
}

impl Subject {
    /// Starts one for a call of `function`.
    pub fn start(function: &'static str) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let options = Options {
            patience: Patience::new(WAITS, COMPUTES),
            stdout: Keep::First(KEEP),
            stderr: Keep::First(KEEP),
            flood: Some(10 * KEEP as u64),
            // The subject sets its own.
            limits: Limits::default(),
            sweep: false,
        };
        let mut running = start::subject(&ours, &theirs, &options)?;
        if let Some(allowance) = allowance::of(function) {
            running.limit_processor_time(&allowance);
        }
        ours.set_nonblocking(true)?;
        Ok(Self {
            socket: ours,
            incoming: Incoming::default(),
            given_up: false,
            state: State::Running(Box::new(running)),
        })
    }

    /// The id of its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        match &self.state {
            State::Running(running) => Some(running.id()),
            State::Ended(..) => None,
        }
    }

    /// Sends a message. A subject that has died, or doesn't take it in time, shows when its answer is awaited.
    pub fn send(&mut self, message: &impl serde::Serialize) {
        const TICK: Duration = Duration::from_millis(1);
        let Ok(frame) = frame::encode(message) else {
            return;
        };
        let mut rest = frame.as_slice();
        self.restart_clock();
        while !rest.is_empty() {
            match self.socket.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let State::Running(running) = &mut self.state else {
                        return;
                    };
                    // It may be printing, and take messages only when that is read.
                    if running.pump(None, TICK).is_err() || running.time_up().is_some() {
                        self.given_up = true;
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }

    /// Whether the subject's time is up, whatever it has sent.
    pub fn is_late(&mut self) -> bool {
        if let State::Running(running) = &mut self.state {
            self.given_up |= running.time_up().is_some();
        }
        self.given_up
    }

    /// Gives the subject its whole time again: it is asked the next question.
    pub fn restart_clock(&mut self) {
        if let State::Running(running) = &mut self.state {
            running.restart_clock();
        }
    }

    /// Waits for the subject's next reply, and meanwhile takes what it prints.
    pub fn reply(&mut self) -> Result<Reply, Silence> {
        const TICK: Duration = Duration::from_millis(100);
        let State::Running(running) = &mut self.state else {
            return Err(Silence::End);
        };
        if self.given_up {
            return Err(Silence::Late);
        }
        loop {
            if running.floods().is_some() {
                self.given_up = true;
                return Err(Silence::Flood);
            }
            let broken = |error: io::Error| Silence::Broken(error.to_string());
            running
                .pump(Some(self.socket.as_fd()), TICK)
                .map_err(broken)?;
            // In this order: what it sent before it ended has arrived.
            let ended = running.has_ended();
            match self.incoming.recv(&mut self.socket) {
                Ok(Some(reply)) => return Ok(reply),
                // A process that it started may hold the socket on, but is not asked.
                Ok(None) if ended => return Err(Silence::End),
                Ok(None) if running.time_up().is_some() => {
                    self.given_up = true;
                    return Err(Silence::Late);
                }
                Ok(None) => {}
                Err(error) => {
                    return Err(match error.kind() {
                        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                            Silence::End
                        }
                        _ => broken(error),
                    });
                }
            }
        }
    }

    /// Ends the subject and all of its group; says how it ended, if by itself.
    pub fn stop(&mut self) -> Option<End> {
        let placeholder = State::Ended(None, String::new());
        if let State::Running(mut running) = std::mem::replace(&mut self.state, placeholder) {
            // One that closed its socket is about to end, or did: that is how it ended, not our signal.
            if !self.given_up {
                let _ = running.wait_ended(GOODBYE);
            }
            if let Ok(outcome) = running.finish(None) {
                let end = Some(outcome.end).filter(|end| matches!(end, End::Exited(_)));
                if end.and_then(End::signal) == Some(libc::SIGKILL) {
                    failure::remember_kill();
                }
                self.state = State::Ended(end, printed(&outcome));
            }
        }
        match &self.state {
            State::Ended(end, _) => *end,
            State::Running(_) => None,
        }
    }

    /// What the subject has printed, standard output first; known once it was stopped.
    pub fn printed(&self) -> &str {
        match &self.state {
            State::Ended(_, printed) => printed,
            State::Running(_) => "",
        }
    }
}

fn printed(outcome: &Outcome) -> String {
    // Rust's runtime advises on backtraces, which say nothing of the learner's code here.
    [&outcome.stdout, &outcome.stderr]
        .iter()
        .flat_map(|stream| {
            let text = stream.text();
            let lines: Vec<String> = text
                .split_inclusive('\n')
                .filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"))
                .map(str::to_owned)
                .collect();
            lines
        })
        .collect()
}
