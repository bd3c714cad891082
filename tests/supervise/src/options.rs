//! How to run a program, and what became of it.

use crate::{
    end::End,
    limits::Limits,
    output::{Keep, Output},
    patience::Patience,
    sweep::Leftover,
};
use std::time::Duration;

/// How to run a program.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long it may take.
    pub patience: Patience,
    /// What is kept of its standard output.
    pub stdout: Keep,
    /// What is kept of its standard error.
    pub stderr: Keep,
    /// It is ended once it has printed more bytes than this to one stream.
    pub flood: Option<u64>,
    /// What the system enforces.
    pub limits: Limits,
    /// Whether to look for processes that left the program's group, kill them, and list in [`Outcome::left`] all that
    /// outlived the program. Linux only. It reads `/proc` and sets an environment variable, `SUPERVISED_BY`.
    pub sweep: bool,
}

impl Options {
    /// A deadline by wall clock, 64 KiB of each stream, no flood limit, no core dump, with a sweep; the program dies with the
    /// thread that started it.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self {
            patience: Patience::wall_clock(deadline),
            stdout: Keep::First(64 << 10),
            stderr: Keep::First(64 << 10),
            flood: None,
            limits: Limits {
                die_with_parent: true,
                no_core_dump: true,
                ..Limits::default()
            },
            sweep: true,
        }
    }
}

/// What became of a program.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What it printed to standard output.
    pub stdout: Output,
    /// What it printed to standard error.
    pub stderr: Output,
    /// From start to end.
    pub taken: Duration,
    /// The processes that outlived it, all killed by now. Empty without [`Options::sweep`].
    pub left: Vec<Leftover>,
}

impl Outcome {
    /// The last line of standard error that isn't blank: what a program says when it gives up.
    #[must_use]
    pub fn last_complaint(&self) -> Option<String> {
        let text = self.stderr.text();
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }
}
