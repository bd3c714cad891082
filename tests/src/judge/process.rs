//! A subject as a process: its socket, its group, and what it prints.

use super::start;
use crate::subject::Reply;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use supervise::{End, Keep, Limits, Options, Outcome, Patience, Running};
use wire::frame;

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
    socket: UnixStream,
    state: State,
}

enum State {
    Running(Box<Running>),
    /// How it ended, if by itself; and what it printed.
    Ended(Option<End>, String),
}

impl Subject {
    pub fn start() -> io::Result<Self> {
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
        let running = start::subject(&ours, &theirs, &options)?;
        Ok(Self {
            socket: ours,
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

    /// Sends a message. A subject that has died shows when its answer is awaited.
    pub fn send(&mut self, message: &impl serde::Serialize) {
        let _ = frame::send(&mut self.socket, message);
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
        loop {
            if running.floods().is_some() {
                return Err(Silence::Flood);
            }
            match running.pump(Some(self.socket.as_fd()), TICK) {
                Ok(true) => break,
                Ok(false) if running.time_up().is_some() => return Err(Silence::Late),
                Ok(false) => {}
                Err(error) => return Err(Silence::Broken(error.to_string())),
            }
        }
        // Once a frame has begun, the rest follows at once; a subject that stops inside one is cut off.
        let _ = self.socket.set_read_timeout(Some(COMPUTES));
        frame::recv(&mut self.socket).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Silence::End,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Silence::Late,
            _ => Silence::Broken(error.to_string()),
        })
    }

    /// Ends the subject and all of its group; says how it ended, if by itself.
    pub fn stop(&mut self) -> Option<End> {
        let placeholder = State::Ended(None, String::new());
        if let State::Running(mut running) = std::mem::replace(&mut self.state, placeholder) {
            // One that closed its socket is about to end, or did: that is how it ended, not our signal.
            let _ = running.wait_ended(GOODBYE);
            if let Ok(outcome) = running.finish(None) {
                let end = Some(outcome.end).filter(|end| matches!(end, End::Exited(_)));
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
