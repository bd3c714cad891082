//! What a learner is told of a verdict: a line for each step, then the one failure that says most, then what to do.

use crate::{
    judge::{self, State, Step},
    reader::{Place, Reader, steps_of},
    section,
    text::{self, BAD, BOLD, DIM, GOOD, ODD, count, outln},
};
use anyhow::{Context, Result};
use grader::{
    course::Chapter,
    runner::{Status, TestResult},
};
use std::{fs, path::Path};

/// A message longer than this is a dump, and hides what to do next. A schedule as long as one is shown, with what is around it, fits.
const MESSAGE_LINES: usize = 50;

/// Shows a line for a step and, if `detailed`, one for each of its tests.
pub fn show_step(step: &Step, width: usize, detailed: bool) {
    let (passed, total) = (step.passed(), step.tests.len());
    let name = format!("{:width$}", step.name);
    match step.state() {
        State::Solved if step.new => {
            outln!("  {GOOD}✓{GOOD:#} {name}  solved: {}", count(total, "test"))
        }
        State::Solved => outln!("  {GOOD}✓{GOOD:#} {name}  {}", count(total, "test")),
        State::Unstarted => outln!("  {DIM}· {name}  not started{DIM:#}"),
        State::Skipped => outln!(
            "  {ODD}-{ODD:#} {name}  {passed} of {}, the others skipped",
            count(total, "test")
        ),
        State::Failing => outln!(
            "  {BAD}✗{BAD:#} {name}  {passed} of {} passed",
            count(total, "test")
        ),
    }
    if !detailed || step.state() == State::Unstarted {
        return;
    }
    for test in &step.tests {
        let name = step.name_of(test);
        match test.status {
            Status::Passed => outln!("      {GOOD}✓{GOOD:#} {name}"),
            Status::Unstarted => {} // said once, below
            Status::Skipped => outln!("      {ODD}-{ODD:#} {name} {DIM}(skipped){DIM:#}"),
            Status::Failed => outln!("      {BAD}✗{BAD:#} {name}"),
            Status::Crash => {
                outln!("      {BAD}✗{BAD:#} {name} {DIM}(ended before it answered){DIM:#}");
            }
            other => outln!("      {BAD}✗{BAD:#} {name} {DIM}({other}){DIM:#}"),
        }
    }
    let unstarted = step.tests.iter();
    let unstarted = unstarted.filter(|test| test.status == Status::Unstarted);
    match unstarted.count() {
        0 => {}
        n => outln!("      {DIM}· {} reached a todo!{DIM:#}", count(n, "test")),
    }
}

/// Explains the first step that is not solved, or says what comes after the last.
pub fn conclude(reader: &Reader, chapter: &Chapter, steps: &[Step]) -> Result<()> {
    let first = |wanted: &[State]| steps.iter().position(|step| wanted.contains(&step.state()));
    // What this machine cannot run comes last: it waits for the machine, not for the learner.
    let open = first(&[State::Unstarted, State::Failing]).or(first(&[State::Skipped]));
    let Some(step) = open.map(|index| &steps[index]) else {
        congratulate(reader, chapter, steps);
        return Ok(());
    };
    let place = steps_of(chapter)
        .find(|place| place.step() == step.name)
        .context("the course has changed meanwhile (check again)")?;
    let is_beginning = steps.iter().all(|step| step.state() == State::Unstarted);
    explain(&reader.course.root, place, step, is_beginning);
    Ok(())
}

/// Explains the failure of a step that says most, and says where to go on.
pub fn explain(root: &Path, place: Place<'_>, step: &Step, is_beginning: bool) {
    let Some(test) = step.most_telling() else {
        return;
    };
    headline(step, test, is_beginning);
    // Named after `--`: given before it, cargo also builds and runs the library's own tests, of which there are none.
    let mut replay = format!("cargo test -p {} -- {}", place.chapter.slug, test.test);
    if let Some(seed) = test.seed {
        replay.insert_str(0, &format!("CHECKS_SEED={seed} "));
    }
    outln!(
        "\n{}\n",
        text::indent(&shortened(&test.message, &replay), "    ")
    );
    if matches!(test.status, Status::Skipped | Status::InfrastructureError) {
        outln!("  {DIM}see{DIM:#}     cargo course doctor");
        return;
    }
    if let Some(why) = &test.why {
        let why: Vec<_> = why.lines().map(str::trim).collect();
        outln!("  {DIM}why{DIM:#}     {}", why.join("\n          "));
    }
    let slug = &place.chapter.slug;
    let of_step = section::of_step(root, slug, place.index + 1);
    // Who has not begun is sent to where the step begins, not to a detail of it.
    let of_test = test
        .section
        .as_deref()
        .filter(|_| test.status != Status::Unstarted || of_step.is_none());
    let section = of_test
        .and_then(|address| section::find(root, address))
        .or(of_step);
    match section {
        Some(section) => outln!("  {DIM}read{DIM:#}    {}", section.link(root)),
        None => outln!("  {DIM}read{DIM:#}    {}", section::page(root, slug)),
    }
    if test.seed.is_some() && test.status != Status::Unstarted {
        outln!("  {DIM}replay{DIM:#}  {replay}");
    }
    let at = where_to_look(root, place, test);
    if !test.message.contains(&at) {
        outln!("  {DIM}open{DIM:#}    {at}");
    }
    outln!("  {DIM}stuck?{DIM:#}  cargo course hint {}", step.name);
}

fn headline(step: &Step, test: &TestResult, is_beginning: bool) {
    let name = &test.test;
    match test.status {
        Status::Unstarted if step.state() == State::Unstarted => {
            let next = if is_beginning { "Begin with" } else { "Next:" };
            outln!("{next} {BOLD}{}{BOLD:#}.", step.name);
        }
        Status::Unstarted => outln!("{BOLD}{name}{BOLD:#} reached a part that is still to do."),
        Status::Skipped => outln!("{ODD}{name}{ODD:#} could not run on this machine."),
        Status::InfrastructureError => {
            outln!("{ODD}{name}{ODD:#} could not be judged; this is not your mistake.")
        }
        Status::Timeout => outln!("{BAD}{name}{BAD:#} got no answer in time."),
        Status::Crash => {
            outln!("{BAD}{name}{BAD:#} got no answer: your code ended first.")
        }
        _ => outln!("{BAD}{name}{BAD:#} failed."),
    }
}

/// Says what to do when every step that was asked for is solved.
fn congratulate(reader: &Reader, chapter: &Chapter, steps: &[Step]) {
    let slug = &chapter.slug;
    let next = reader.next_step(chapter);
    match (next, steps) {
        // One step alone was asked for, and others are open.
        (Some(_), [step]) => outln!("{GOOD}{} is solved.{GOOD:#}\n", step.name),
        _ => outln!(
            "{GOOD}Every step of {} is solved.{GOOD:#}\n",
            reader.title(slug)
        ),
    }
    if let Some(last) = steps.last() {
        outln!(
            "  {DIM}compare{DIM:#}  cargo course solution {} --diff",
            last.name
        );
    }
    if let Some(next) = next {
        outln!(
            "  {DIM}go on{DIM:#}    {0}, then `cargo course check {1}`",
            next.file(),
            next.step()
        );
        return;
    }
    outln!("  {DIM}measure{DIM:#}  cargo course bench {slug}");
    if let Some(next) = reader
        .course
        .chapters
        .iter()
        .find(|chapter| reader.next_step(chapter).is_some())
    {
        outln!(
            "  {DIM}go on{DIM:#}    {}, then `cargo course check {}`",
            section::page(&reader.course.root, &next.slug),
            next.slug
        );
    }
}

/// Returns the line that the message names, else the first `todo!` if one is at fault, else the file.
fn where_to_look(root: &Path, place: Place<'_>, test: &TestResult) -> String {
    let todo = || {
        let text = fs::read_to_string(root.join(place.file())).ok()?;
        let mut lines = (1_usize..).zip(text.lines());
        let todo = lines.find(|(_, line)| line.contains("todo!("));
        todo.map(|(number, _)| number)
            .filter(|_| test.status == Status::Unstarted)
    };
    let file = place.file();
    match judge::line_named(&test.message, place.step()).or_else(todo) {
        Some(line) => format!("{file}:{line}"),
        None => file,
    }
}

/// The beginning of a long message, and the command that shows the whole.
fn shortened(message: &str, whole: &str) -> String {
    let message = message.trim();
    let lines: Vec<_> = message.lines().collect();
    if lines.len() <= MESSAGE_LINES {
        return message.to_owned();
    }
    let left_out = lines.len() - MESSAGE_LINES;
    format!(
        "{}\n… {left_out} more lines: `{whole}` shows them",
        lines[..MESSAGE_LINES].join("\n")
    )
}
