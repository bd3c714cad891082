//! `cargo course solution`: shows the reference answer of a solved step.

use crate::{
    progress,
    reader::{Reader, joined},
    text::{BAD, BOLD, DIM, GOOD, ODD, count, outln},
};
use anyhow::{Context, Result};
use similar::{ChangeTag, TextDiff};
use std::{fs, path::Path, process::ExitCode};

/// What `cargo course solution` is asked.
#[derive(clap::Args)]
pub struct Args {
    /// The step, by its name or number; without it, or with a chapter, the one you edited last, else the next to solve.
    #[arg(num_args = 0..=2)]
    step: Vec<String>,

    /// Show the answer although the step is not solved; your progress records it.
    #[arg(long)]
    give_up: bool,

    /// Show how the answer differs from your file.
    #[arg(long)]
    diff: bool,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let mut reader = Reader::open(root)?;
    let Some(place) = reader.step(joined(&args.step).as_deref(), "solution")? else {
        return Ok(ExitCode::SUCCESS);
    };
    let (slug, step) = (place.chapter.slug.clone(), place.step().to_owned());
    let (mine, mine_path) = (place.file(), reader.path(place));
    let record = reader.progress.step(&slug, &step);
    if !record.may_see_answer() && !args.give_up {
        let how_far = match record.total {
            0 => "it was not checked yet".to_owned(),
            total => format!("{} of {} passed", record.passed, count(total, "test")),
        };
        let mut refusal = format!("{step} is not solved yet: {how_far}");
        refusal += &format!(
            " (check it: `cargo course check {step}`; a nudge: `cargo course hint {step}`;"
        );
        refusal += &format!(" the answer anyway: `cargo course solution {step} --give-up`)");
        anyhow::bail!(refusal);
    }
    let answer = format!("solutions/{slug}/src/{step}.rs");
    let text = fs::read_to_string(reader.course.root.join(&answer)).with_context(|| {
        format!("cannot read {answer} (restore it with `git checkout {answer}`)")
    })?;
    if args.give_up && !record.may_see_answer() {
        reader
            .record(|progress| progress.step_mut(&slug, &step).gave_up = Some(progress::now()))?;
        outln!(
            "{ODD}Given up{ODD:#} {DIM}(noted in {}; the step can still be solved){DIM:#}\n",
            progress::FILE
        );
    }
    if args.diff {
        let mine_text = fs::read(&mine_path).with_context(|| format!("cannot read {mine}"))?;
        print_diff(&mine, &String::from_utf8_lossy(&mine_text), &answer, &text);
    } else {
        outln!("{BOLD}{answer}{BOLD:#}\n\n{}", text.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn print_diff(mine: &str, mine_text: &str, answer: &str, answer_text: &str) {
    let diff = TextDiff::from_lines(mine_text, answer_text);
    if diff.ratio() == 1.0 {
        outln!("{mine} is the reference answer, to the letter.");
        return;
    }
    outln!("{BOLD}--- {mine}{BOLD:#}\n{BOLD}+++ {answer}{BOLD:#}");
    for hunk in diff.unified_diff().iter_hunks() {
        outln!("{DIM}{}{DIM:#}", hunk.header());
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => outln!("{BAD}-{line}{BAD:#}"),
                ChangeTag::Insert => outln!("{GOOD}+{line}{GOOD:#}"),
                ChangeTag::Equal => outln!(" {line}"),
            }
        }
    }
}
