//! `cargo course serve`: serves the book on this machine.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course serve` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course serve` is not built yet");
}
