//! `cargo course bench`: runs the benchmark of a chapter's exercise.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course bench` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course bench` is not built yet");
}
