//! A forked child, seen from its parent.

use crate::descriptor::ParentOnly;
use crate::ended::Ended;
use crate::hook::{Event, When, notify};
use crate::wait::reap;
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
}

impl<T> Child<T> {
    fn wait_for_json(&mut self) -> io::Result<Vec<u8>> {
        if self.parent != std::process::id() {
            return Err(io::Error::other(format!(
                "wait: process {} is no child of this process but of process {}, which forked it",
                self.pid, self.parent
            )));
        }
        let child = self.pid.unsigned_abs();
        notify(&Event::Wait {
            when: When::Before,
            child,
        });
        let mut text = Vec::new();
        let read = self.answer.read_to_end(&mut text);
        let ended = reap(self.pid)?;
        notify(&Event::Wait {
            when: When::After,
            child,
        });
        read?;
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
}
