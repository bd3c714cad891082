//! What a program prints: read as it comes, kept up to a limit, handed over line by line.

use std::{
    fmt,
    fs::File,
    io::{self, ErrorKind, Read},
    ops::ControlFlow,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// The longest line that is handed over whole; a longer one comes in pieces.
const LINE: usize = 1 << 20;

/// The most that is read from one stream before the caller looks at the clock again.
const BURST: usize = 1 << 20;

/// One of a program's two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
        })
    }
}

/// Which bytes of a stream are kept; the rest is read and dropped, so that the program never blocks on a full pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first so many: what a program printed before it went wrong.
    First(usize),
    /// The last so many: the end of an error output says most.
    Last(usize),
}

/// What a program printed to one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The bytes that were kept.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub total: u64,
}

impl Output {
    /// What was kept, as text; bytes that aren't UTF-8 become `�`.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Whether the program printed more than was kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.total > self.bytes.len() as u64
    }
}

/// Reads one stream without ever blocking.
#[derive(Debug)]
pub(crate) struct Capture {
    pipe: Option<File>,
    keep: Keep,
    kept: Vec<u8>,
    total: u64,
    /// The line that is still coming, when lines are asked for.
    line: Vec<u8>,
}

impl Capture {
    /// Reads from `pipe`; from nothing when the stream wasn't piped.
    pub(crate) fn new(pipe: Option<OwnedFd>, keep: Keep) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            // The flag is this end's alone: the program's end is another open file description.
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            pipe: pipe.map(File::from),
            keep,
            kept: Vec::new(),
            total: 0,
            line: Vec::new(),
        })
    }

    /// The descriptor to poll; none once the stream has ended.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Reads what is there; hands over each line that is complete, and at the end of the stream an incomplete one.
    pub(crate) fn pump(
        &mut self,
        on_line: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut chunk = [0; 16 * 1024];
        let mut read = 0;
        while read < BURST {
            let Some(pipe) = &mut self.pipe else { break };
            match pipe.read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    read += count;
                    self.keep(&chunk[..count]);
                    self.split(&chunk[..count], on_line)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.pipe = None,
            }
        }
        if self.pipe.is_none() && !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            on_line(&String::from_utf8_lossy(&line))?;
        }
        ControlFlow::Continue(())
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        match self.keep {
            Keep::First(most) => {
                let room = most.saturating_sub(self.kept.len()).min(bytes.len());
                self.kept.extend_from_slice(&bytes[..room]);
            }
            Keep::Last(most) => {
                self.kept.extend_from_slice(bytes);
                // Not at every byte: moving the rest down costs as much as it is long.
                if self.kept.len() > 2 * most {
                    self.kept.drain(..self.kept.len() - most);
                }
            }
        }
    }

    fn split(
        &mut self,
        bytes: &[u8],
        on_line: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() >= LINE {
                let text = String::from_utf8_lossy(&self.line);
                let outcome = on_line(text.trim_end_matches(['\n', '\r']));
                self.line.clear();
                outcome?;
            }
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn finish(mut self) -> Output {
        if let Keep::Last(most) = self.keep
            && self.kept.len() > most
        {
            self.kept.drain(..self.kept.len() - most);
        }
        Output {
            bytes: self.kept,
            total: self.total,
        }
    }
}
