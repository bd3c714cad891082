//! `cargo course build`: the book as a static site.

use crate::text::{errln, outln};
use anyhow::{Context, Result};
use book::publish::publish;
use grader::stop::Stop;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What `cargo course build` is asked.
#[derive(clap::Args)]
pub struct Args {
    /// Write the site here; it replaces the files of the last build, and refuses to touch any others [default: book/].
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
}

/// Builds the book in `root`, checks its links, and puts it in place.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    // book/ is git-ignored build output, whoever made it: stock mdbook writes there too.
    let (dest, is_default) = match args.dest {
        Some(dest) => (dest, false),
        None => (root.join("book"), true),
    };
    // From here on Ctrl-C waits for the end of the build, which takes a moment, and leaves the old site.
    let stop = Stop::on_signals().context("cannot watch for Ctrl-C (try again)")?;
    let site = publish(&crate::book(root), &dest, is_default, || {
        stop.is_requested()
    })?;
    for warning in &site.warnings {
        errln!("warning: {warning}");
    }
    outln!(
        "Wrote the book to {}: open {}",
        site.dest.display(),
        site.dest.join("index.html").display()
    );
    Ok(ExitCode::SUCCESS)
}
