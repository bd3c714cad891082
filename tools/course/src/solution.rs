//! `cargo course solution`: shows the reference answer of a solved step.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course solution` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course solution` is not built yet");
}
