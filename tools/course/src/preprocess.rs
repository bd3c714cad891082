//! `cargo course preprocess`: what `book.toml` names as command preprocessors, so that stock mdbook builds the book too.

use anyhow::{Context, Result};
use std::io::{self, Write};
use std::{path::Path, process::ExitCode};

/// What mdbook asks.
#[derive(clap::Args)]
pub struct Args {
    /// Which preprocessor: `directives` or `admonish`.
    name: String,

    #[command(subcommand)]
    question: Option<Question>,
}

#[derive(clap::Subcommand)]
enum Question {
    /// Whether there is anything to do for this renderer: exit code 0 if so, 1 if not.
    Supports {
        /// The renderer, such as `html`.
        renderer: String,
    },
}

/// Answers one question, or reads a book from stdin and writes it, changed, to stdout.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let book = crate::book(root);
    match args.question {
        Some(Question::Supports { renderer }) => {
            let supported = book.supports(&args.name, &renderer)?;
            Ok(if supported {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        None => {
            let mut answer = Vec::new(); // whole, or nothing
            book.preprocess(&args.name, io::stdin().lock(), &mut answer)?;
            let mut out = io::stdout().lock();
            out.write_all(&answer)
                .and_then(|()| out.flush())
                .context("mdbook does not read the answer")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
