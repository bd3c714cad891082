//! `cargo course hint`: shows one more hint each time it is asked.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course hint` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course hint` is not built yet");
}
