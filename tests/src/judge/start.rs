//! Starts a subject: as a fork of a process that is started once, or, where that can't be, anew.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::Command;
use supervise::{Options, Running};

pub(crate) use this_system::{end, is_learners_doing, subject};

/// The program that holds the learner's code. No argument and no variable says which test this is, or that it is one.
fn command() -> io::Result<Command> {
    let mut command = Command::new(match std::env::var_os("CHECKS_SUBJECT") {
        Some(path) => path,
        None => OsString::from(std::env::current_exe()?),
    });
    for name in [
        "CHECKS_COMPUTES",
        "CHECKS_CONTAINED",
        "CHECKS_REPORT",
        "CHECKS_SAVE_SCHEDULES",
        "CHECKS_SUBJECT",
        "CHECKS_SEED",
        "CHECKS_PYTHON",
    ] {
        command.env_remove(name);
    }
    command.env("RUST_BACKTRACE", "0");
    Ok(command)
}

fn named(command: &Command, error: &io::Error) -> io::Error {
    let program = command.get_program().display();
    io::Error::new(error.kind(), format!("{program}: {error}"))
}

#[cfg(target_os = "linux")]
mod this_system {
    use super::*;
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use supervise::fork_server::ForkServer;

    /// Whether a subject was ever started.
    static SERVED: AtomicBool = AtomicBool::new(false);

    static SERVER: Mutex<Option<ForkServer>> = Mutex::new(None);

    fn server() -> MutexGuard<'static, Option<ForkServer>> {
        SERVER.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a subject that talks over `theirs`.
    pub(crate) fn subject(
        _ours: &UnixStream,
        theirs: &UnixStream,
        options: &Options,
    ) -> io::Result<Running> {
        let mut server = server();
        let command = &mut command()?;
        let start = match std::env::var_os("CHECKS_CONTAINED") {
            Some(how) if how == "pid" => ForkServer::start_contained,
            _ => ForkServer::start,
        };
        for last in [false, true] {
            let forked = match &mut *server {
                Some(server) => Ok(server),
                none => start(command).map(|started| none.insert(started)),
            }
            .and_then(|server| server.spawn(theirs.as_fd(), options));
            match forked {
                Ok(running) => {
                    SERVED.store(true, Relaxed);
                    return Ok(running);
                }
                // One that was lost, perhaps killed along with something else, is started once more.
                Err(_) if !last => *server = None,
                Err(error) => return Err(named(command, &error)),
            }
        }
        unreachable!("the second try returns")
    }

    /// Whether a subject that can't be started is the doing of one that could: a sandbox holds nothing but the learner's
    /// code, so nobody else fills it or kills what is in it.
    pub(crate) fn is_learners_doing() -> bool {
        std::env::var_os("CHECKS_CONTAINED").is_some() && SERVED.load(Relaxed)
    }

    /// Ends what was started once.
    pub(crate) fn end() {
        *server() = None;
    }
}

#[cfg(not(target_os = "linux"))]
mod this_system {
    use super::*;
    use crate::subject::MAGIC;
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    /// Starts a subject that talks over `theirs`.
    pub(crate) fn subject(
        mut ours: &UnixStream,
        theirs: &UnixStream,
        options: &Options,
    ) -> io::Result<Running> {
        // In the socket before the process exists, so that it knows at once what it is.
        ours.write_all(MAGIC)?;
        let mut command = command()?;
        command.stdin(Stdio::from(OwnedFd::from(theirs.try_clone()?)));
        Running::spawn(&mut command, options).map_err(|error| named(&command, &error))
    }

    /// There is no sandbox here.
    pub(crate) fn is_learners_doing() -> bool {
        false
    }

    /// Nothing was started once.
    pub(crate) fn end() {}
}
