//! `cargo course build`: writes the book as a static site.

use anyhow::{Result, bail};
use std::{path::Path, process::ExitCode};

/// What `cargo course build` is asked.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command in the course at `root`.
pub fn run(_root: &Path, _args: Args) -> Result<ExitCode> {
    bail!("`cargo course build` is not built yet");
}
