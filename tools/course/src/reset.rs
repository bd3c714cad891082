//! `cargo course reset`: puts a step back as the course ships it.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course reset` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course reset` is not built yet");
}
