//! A forked child, seen from its parent.

use crate::descriptor::ParentOnly;
use crate::ended::Ended;
use crate::hook::{Event, When, notify};
use crate::wait::{has_ended, reap};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read};
use std::marker::PhantomData;

/// What a child sends to its parent.
pub(crate) enum Report {
    /// What its closure returned, as JSON.
    Returned(Vec<u8>),
    Failed {
        message: String,
        /// The kernel's error number, if it was the kernel's error.
        code: Option<i32>,
    },
}

impl Report {
    const RETURNED: u8 = b'+';
    const FAILED: u8 = b'-';

    pub(crate) fn failed(error: &io::Error) -> Self {
        Self::Failed {
            message: error.to_string(),
            code: error.raw_os_error(),
        }
    }

    /// A tag; then the value, or the error's number and its message.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Returned(json) => [&[Self::RETURNED], &**json].concat(),
            Self::Failed { message, code } => {
                let code = code.unwrap_or(0).to_ne_bytes();
                [&[Self::FAILED], &code[..], message.as_bytes()].concat()
            }
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        match *tag {
            Self::RETURNED => Some(Self::Returned(rest.to_vec())),
            Self::FAILED => {
                let (code, message) = rest.split_first_chunk()?;
                let code = i32::from_ne_bytes(*code);
                Some(Self::Failed {
                    message: String::from_utf8_lossy(message).into_owned(),
                    code: (code != 0).then_some(code),
                })
            }
            _ => None,
        }
    }
}

/// A process that was forked here.
///
/// Wait for it: a child that has ended stays in the process table, as a zombie, until its parent asks how it ended.
#[derive(Debug)]
#[must_use = "a child that nobody waits for stays behind as a zombie"]
pub struct Child<T> {
    pid: libc::pid_t,
    parent: u32,
    answer: ParentOnly<File>,
    returns: PhantomData<T>,
}

impl<T: DeserializeOwned> Child<T> {
    pub(crate) fn new(pid: libc::pid_t, answer: File) -> Self {
        Self {
            pid,
            parent: std::process::id(),
            answer: ParentOnly::new(answer),
            returns: PhantomData,
        }
    }

    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Waits until the child has ended, and returns what it returned.
    ///
    /// # Errors
    /// What the child returned as an error, or that it returned nothing: it panicked, was killed by a signal,
    /// or exited.
    pub fn wait(mut self) -> io::Result<T> {
        let json = self.wait_for_json()?;
        serde_json::from_slice(&json).map_err(io::Error::from)
    }

    /// Waits until the child has ended, and says how: its status as the kernel reports it, and what its closure returned,
    /// if it did.
    ///
    /// ```
    /// # extern crate os_core as os;
    /// # fn main() -> std::io::Result<()> {
    /// let exits = os::process::fork(|| -> std::io::Result<u64> { std::process::exit(3) })?;
    /// let finished = exits.finish()?;
    /// assert_eq!(finished.status, 3 << 8);
    /// assert_eq!(finished.returned, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The kernel's. A child that failed or crashed is no error here.
    pub fn finish(mut self) -> io::Result<Finished<T>> {
        let (text, status) = self.wait_for_end()?;
        let returned = match Report::from_bytes(&text) {
            Some(Report::Returned(json)) if Ended::from_status(status) == Ended::Exited(0) => {
                serde_json::from_slice(&json).ok()
            }
            _ => None,
        };
        Ok(Finished { status, returned })
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished<T> {
    /// The status, as the kernel's `wait` reports it: exit code, signal and core-dump flag in one number.
    pub status: i32,
    /// What the closure returned, if it returned `Ok`.
    pub returned: Option<T>,
}

impl<T> Child<T> {
    /// Kills the child by SIGKILL. It stays behind as a zombie until it is waited for; killing it again does nothing.
    ///
    /// # Errors
    /// When it is no child of this process.
    pub fn kill(&self) -> io::Result<()> {
        self.require_ours("kill")?;
        has_ended(self.pid.unsigned_abs())?; // an error unless the kernel, too, has it for a child of this process
        // SAFETY: kill takes plain numbers. The process is this one's child (checked above), and only the methods that
        // consume `self` reap it, so its id can't have come to mean another one.
        match unsafe { libc::kill(self.pid, libc::SIGKILL) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn require_ours(&self, what: &str) -> io::Result<()> {
        if self.parent == std::process::id() {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "{what}: process {} is no child of this process but of process {}, which forked it",
            self.pid, self.parent
        )))
    }

    fn wait_for_json(&mut self) -> io::Result<Vec<u8>> {
        let (text, status) = self.wait_for_end()?;
        let ended = Ended::from_status(status);
        match Report::from_bytes(&text) {
            // One that was killed may have sent a part.
            Some(Report::Returned(json)) if ended == Ended::Exited(0) => Ok(json),
            Some(Report::Failed {
                code: Some(code), ..
            }) => Err(io::Error::from_raw_os_error(code)),
            Some(Report::Failed { message, .. }) => Err(io::Error::other(message)),
            _ => Err(io::Error::other(format!(
                "the child returned nothing: it {ended}"
            ))),
        }
    }

    /// Takes all that the child sends, and reaps it: its report and its status.
    fn wait_for_end(&mut self) -> io::Result<(Vec<u8>, i32)> {
        self.require_ours("wait")?;
        let child = self.pid.unsigned_abs();
        notify(&Event::Wait {
            when: When::Before,
            child,
        });
        let mut text = Vec::new();
        let read = self.answer.read_to_end(&mut text);
        let status = reap(self.pid)?;
        notify(&Event::Wait {
            when: When::After,
            child,
        });
        read?;
        Ok((text, status))
    }
}
