//! `cargo course hint`: shows one more hint each time it is asked.

use crate::{
    reader::{Reader, joined},
    section,
    text::{self, BOLD, DIM, outln},
};
use anyhow::{Context, Result, bail};
use files::markdown::outside_fences;
use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

/// What `cargo course hint` is asked.
#[derive(clap::Args)]
pub struct Args {
    /// The step, by its name or number; without it, or with a chapter, the one you edited last, else the next to solve.
    #[arg(num_args = 0..=2)]
    step: Vec<String>,

    /// Show again the hints you have had so far, and no new one.
    #[arg(long)]
    again: bool,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let mut reader = Reader::open(root)?;
    let Some(place) = reader.step(joined(&args.step).as_deref(), "hint")? else {
        return Ok(ExitCode::SUCCESS);
    };
    let (slug, step, number) = (
        place.chapter.slug.clone(),
        place.step().to_owned(),
        place.index + 1,
    );
    let file = format!("exercises/{slug}/hints.md");
    let hints = fs::read_to_string(reader.course.root.join(&file))
        .with_context(|| format!("cannot read {file} (restore it with `git checkout {file}`)"))?;
    let mut hints = parse(&hints);
    let hints = hints.remove(&step).unwrap_or_default();
    if hints.is_empty() {
        bail!("{file} has no hints under `## {step}` (restore it with `git checkout {file}`)");
    }
    let taken = reader.progress.step(&slug, &step).hints.min(hints.len());
    let (shown, taken) = match args.again {
        true if taken == 0 => {
            bail!(
                "no hint for {step} has been shown yet (`cargo course hint {step}` shows the first)"
            )
        }
        true => (0..taken, taken),
        // After the last hint, the last once more.
        false => {
            let next = taken.min(hints.len() - 1);
            (next..next + 1, next + 1)
        }
    };
    // Remembered before it is shown: a full disk must not hand out all hints as the first.
    reader.record(|progress| progress.step_mut(&slug, &step).hints = taken)?;
    for index in shown {
        outln!(
            "{BOLD}{slug}, {step}: hint {} of {}{BOLD:#}\n",
            index + 1,
            hints.len()
        );
        outln!("{}\n", text::indent(&readable(&hints[index]), "  "));
    }
    if taken < hints.len() {
        outln!("{DIM}Still stuck?{DIM:#}  cargo course hint {step}");
    } else {
        outln!("That was the last hint.");
        if let Some(section) = section::of_step(&reader.course.root, &slug, number) {
            outln!(
                "{DIM}read again{DIM:#}  {}",
                section.link(&reader.course.root)
            );
        }
        let solved = reader.progress.step(&slug, &step).may_see_answer();
        let give_up = if solved { "" } else { " --give-up" };
        outln!("{DIM}the answer{DIM:#}  cargo course solution {step}{give_up}");
    }
    Ok(ExitCode::SUCCESS)
}

/// A hint for a terminal: code stands indented, without the marks around it.
fn readable(hint: &str) -> String {
    let prose: Vec<_> = outside_fences(hint).map(|(number, _)| number).collect();
    let lines = (1..).zip(hint.lines()).filter_map(|(number, line)| {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        match prose.contains(&number) {
            true => Some(line.to_owned()),
            false if fence => None,
            false => Some(format!("    {line}")),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The hints of each step: `## <step>`, then `### 1` and so on, each with its text.
fn parse(markdown: &str) -> BTreeMap<String, Vec<String>> {
    let headings: BTreeMap<usize, &str> = outside_fences(markdown)
        .filter(|(_, line)| line.starts_with('#'))
        .collect();
    let mut hints: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut step = None;
    for (number, line) in (1..).zip(markdown.lines()) {
        let heading = headings.get(&number).copied();
        if let Some(title) = heading.and_then(|line| line.strip_prefix("## ")) {
            step = Some(title.trim().trim_matches('`').to_owned());
            continue;
        }
        let Some(texts) = step
            .as_ref()
            .map(|step| hints.entry(step.clone()).or_default())
        else {
            continue;
        };
        if heading.is_some_and(|line| line.starts_with("### ")) {
            texts.push(String::new());
        } else if let Some(text) = texts.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    for text in hints.values_mut().flatten() {
        *text = text.trim().to_owned();
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read_with_their_code() {
        let text = "# Hints\n\n## a\n\nnot a hint\n\n### 1\n\nLook.\n\n### 2\n\n```rust\n## no heading\n### neither\n```\nDone.\n\n## `b`\n### 1\nOther.\n";
        let hints = parse(text);
        assert_eq!(
            hints["a"],
            ["Look.", "```rust\n## no heading\n### neither\n```\nDone."]
        );
        assert_eq!(
            readable(&hints["a"][1]),
            "    ## no heading\n    ### neither\nDone."
        );
        assert_eq!(hints["b"], ["Other."]);
        assert_eq!(hints.len(), 2);
    }
}
