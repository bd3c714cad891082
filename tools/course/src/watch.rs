//! `cargo course watch`: checks on every save.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course watch` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course watch` is not built yet");
}
