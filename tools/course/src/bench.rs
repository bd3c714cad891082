//! `cargo course bench`: runs the benchmark of a chapter's exercise.

use crate::{
    reader::Reader,
    text::{BOLD, DIM, outln},
};
use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
    process::{Command, ExitCode},
};

/// What `cargo course bench` is asked.
#[derive(clap::Args)]
#[command(after_help = "\
It is `cargo bench --features bench` in exercises/<chapter> or solutions/<chapter>.
The first time compiles criterion, which takes a while. A quiet machine gives quiet figures.")]
pub struct Args {
    /// The chapter, such as `memory`; without it, that of the current folder, else the first one not finished.
    chapter: Option<String>,

    /// Measure the reference solution in place of your own.
    #[arg(long)]
    solution: bool,

    /// For the benchmark itself: a filter, or criterion's own options.
    #[arg(last = true, value_name = "CRITERION")]
    criterion: Vec<OsString>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let reader = Reader::open(root)?;
    let chapter = reader.chapter(args.chapter.as_deref())?;
    let slug = &chapter.slug;
    if let Some(place) = reader.next_step(chapter)
        && !args.solution
    {
        bail!(
            "{} is not solved yet, and there is nothing to measure before (solve it: `cargo course check {slug}`; \
             measure the reference: `cargo course bench {slug} --solution`)",
            place.step()
        );
    }
    let side = if args.solution {
        "solutions"
    } else {
        "exercises"
    };
    outln!("{BOLD}{side}/{slug}{BOLD:#} {DIM}cargo bench --features bench{DIM:#}");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(reader.course.root.join(side).join(slug))
        .args(["bench", "--features", "bench"]);
    if !args.criterion.is_empty() {
        cargo.arg("--").args(args.criterion);
    }
    for (name, _) in env::vars_os().filter(|(name, _)| is_ours(name)) {
        cargo.env_remove(name);
    }
    run_instead(cargo)
}

/// What cargo tells this command about its own package would mislead the other cargo.
fn is_ours(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

/// Cargo takes our place: Ctrl-C and the exit code are then its own.
#[cfg(unix)]
fn run_instead(mut cargo: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(cargo.exec()).context("cannot start cargo (is Rust installed?)")
}

#[cfg(not(unix))]
fn run_instead(mut cargo: Command) -> Result<ExitCode> {
    let status = cargo
        .status()
        .context("cannot start cargo (is Rust installed?)")?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
