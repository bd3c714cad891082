//! `cargo course lab`: measures the book's claims on this machine.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course lab` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course lab` is not built yet");
}
