//! `cargo course new`: begins a chapter or a claim in every place that it has, with TODOs that say what to write.

mod chapter;

use crate::text::{BOLD, DIM, outln};
use anyhow::Result;
use std::{path::Path, process::ExitCode};

/// What `cargo course new` is asked.
#[derive(clap::Args)]
#[command(after_help = "\
What it writes builds, and says TODO wherever an author has to write something.
`cargo test -p checks --test gate` lists what is left.")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Begin a chapter: page, exercise, solution, tests, benchmark, and its line in the summary.
    Chapter(chapter::Args),
    /// Begin a claim of the lab: its Rust file, its Python twin, and its line in the registry.
    Claim {
        /// A letter and a number, such as `C1`.
        id: String,
    },
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let (written, next) = match args.what {
        What::Chapter(args) => (
            chapter::create(root, &args)?,
            format!(
                "write src/{0}.md and exercises/{0}; `cargo test -p checks --test gate` lists what is left",
                args.slug
            ),
        ),
        What::Claim { id } => (
            lab::scaffold::new_claim(root, &id)?,
            "fill in the TODOs; `cargo test -p lab` lists what is left".to_owned(),
        ),
    };
    for path in written {
        outln!("{DIM}wrote{DIM:#}  {}", path.display());
    }
    outln!("\n{BOLD}Next:{BOLD:#} {next}.");
    Ok(ExitCode::SUCCESS)
}
