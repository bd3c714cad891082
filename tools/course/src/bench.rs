//! `cargo course bench`: runs the benchmark of a chapter's exercise.

use crate::{
    reader::Reader,
    text::{BOLD, DIM, outln},
};
use anyhow::{Context, Result, bail};
use grader::stop::Stop;
use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::{Command, ExitCode},
};

/// The exit code of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What `cargo course bench` is asked.
#[derive(clap::Args)]
#[command(after_help = "\
It is `cargo bench --features bench` in exercises/<chapter> or solutions/<chapter>.
The first run compiles criterion, which takes a while. A quiet machine gives steady figures.")]
pub struct Args {
    /// The chapter, such as `memory`; without it, that of the current folder, else the one you edited last, else the
    /// first one not finished.
    chapter: Option<String>,

    /// Measure the reference solution instead of your own.
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
            "{} is not solved yet, so there is nothing to measure (solve it: `cargo course check {slug}`; \
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
    let about = About::read(&reader.course.root, slug);
    if let Some(takes) = &about.takes {
        outln!("It takes {takes}; the first run also has to compile criterion.\n");
    }
    let stop = Stop::on_signals().context("cannot catch Ctrl-C")?;
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
    // In our group: Ctrl-C reaches cargo and what it runs, and we wait for their end.
    let status = cargo
        .status()
        .context("cannot start cargo (is Rust installed?)")?;
    if stop.is_requested() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if status.success() && !about.lesson.is_empty() {
        outln!("\n{BOLD}What to take away from it{BOLD:#}");
        for line in &about.lesson {
            outln!("  {line}");
        }
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What a benchmark says of itself, in the comment at its head.
#[derive(Debug, Default, PartialEq)]
struct About {
    /// `//! Takes: about two minutes`.
    takes: Option<String>,
    /// `//! Lesson: …`, a line each.
    lesson: Vec<String>,
}

impl About {
    fn read(root: &Path, slug: &str) -> Self {
        let path = root.join("tests/benches").join(format!("{slug}.rs"));
        Self::parse(&fs::read_to_string(path).unwrap_or_default())
    }

    fn parse(source: &str) -> Self {
        let mut about = Self::default();
        for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
            if let Some(takes) = line.trim().strip_prefix("Takes: ") {
                about.takes = Some(takes.trim_end_matches('.').to_owned());
            } else if let Some(lesson) = line.trim().strip_prefix("Lesson: ") {
                about.lesson.push(lesson.to_owned());
            }
        }
        about
    }
}

/// What cargo tells this command about its own package would mislead the other cargo.
fn is_ours(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_benchmark_says_how_long_it_takes_and_what_it_teaches() {
        let about = About::parse(
            "//! Benchmark.\n//!\n//! Takes: about a minute.\n//! Lesson: One.\n//! Lesson: Two.\n\nuse a;\n//! Lesson: no\n",
        );
        assert_eq!(about.takes.as_deref(), Some("about a minute"));
        assert_eq!(about.lesson, ["One.", "Two."]);
        assert_eq!(About::parse("use a;"), About::default());
    }
}
