//! `cargo course check`: runs the tests of a chapter's exercise and says what to do next.

use crate::{
    judge::{self, State, Step, Verdict},
    reader::{Place, Reader, steps_of},
    section,
    text::{self, BAD, BOLD, DIM, GOOD, ODD, bar, count, outln},
};
use anyhow::{Context, Result};
use grader::{
    course::Chapter,
    runner::{Status, TestResult},
    stop::Stop,
};
use std::{fs, path::Path, process::ExitCode};

/// What a command exits with that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// A message longer than this is a dump, and hides what to do next.
const MESSAGE_LINES: usize = 40;

/// What `cargo course check` is asked.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 every step that was asked for is solved, 1 not yet.")]
pub struct Args {
    /// The chapter or the step, such as `memory` or `lost_updates`; without it, the chapter of the current folder, else
    /// the first one not finished.
    what: Option<String>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let mut reader = Reader::open(root)?;
    let named = reader.named(args.what.as_deref())?;
    let (slug, only) = (named.chapter().slug.clone(), named.step());
    let stop = Stop::on_signals().context("cannot catch Ctrl-C")?;
    Ok(match check(&mut reader, &slug, only, &stop)? {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => ExitCode::from(INTERRUPTED),
    })
}

/// Judges a chapter, or its step `only` (from 0), and shows the verdict: whether all of that is solved, or none when
/// somebody asked to stop.
pub fn check(
    reader: &mut Reader,
    slug: &str,
    only: Option<usize>,
    stop: &Stop,
) -> Result<Option<bool>> {
    let title = section::title(&reader.course.root, slug).unwrap_or_else(|| slug.to_owned());
    outln!("{BOLD}{title}{BOLD:#}\n");
    let mut explained = false; // one step at a time: what comes after it is for later
    let width = steps_of(reader.course.chapter(slug)?)
        .filter(|place| only.is_none_or(|only| only == place.index))
        .map(|place| place.step().chars().count())
        .max()
        .unwrap_or(0);
    let verdict = judge::judge(reader, slug, only, stop, |step| {
        show_step(step, width, &mut explained);
    })?;
    let solved = match verdict {
        Verdict::Interrupted => return Ok(None),
        Verdict::DoesNotCompile { diagnostics } => {
            outln!("{}\n", diagnostics.trim_end());
            outln!(
                "{BAD}It does not compile yet{BAD:#}, so no test was run. The first error above is the one to mend first."
            );
            false
        }
        Verdict::Judged { steps, warnings } => {
            for warning in warnings {
                outln!("\n{}", warning.trim_end());
            }
            outln!("");
            conclude(reader, slug, &steps)?
        }
    };
    let (done, all) = reader.count();
    outln!(
        "\n{DIM}{}{DIM:#}  {done} of {} solved",
        bar(done, all, 24),
        count(all, "step")
    );
    Ok(Some(solved))
}

/// A line for a step, and under the first one that fails a line for each of its tests.
fn show_step(step: &Step, width: usize, explained: &mut bool) {
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
    let open = matches!(step.state(), State::Unstarted | State::Failing);
    let first = open && !std::mem::replace(explained, true);
    if !first || step.state() == State::Unstarted {
        return;
    }
    for test in &step.tests {
        let name = test
            .test
            .strip_prefix(&format!("{}::", step.name))
            .unwrap_or(&test.test);
        match test.status {
            Status::Passed => outln!("      {GOOD}✓{GOOD:#} {name}"),
            Status::Unstarted => outln!("      {DIM}· {name}{DIM:#}"),
            Status::Skipped => outln!("      {ODD}-{ODD:#} {name} {DIM}(skipped){DIM:#}"),
            Status::Failed => outln!("      {BAD}✗{BAD:#} {name}"),
            Status::Crash => {
                outln!("      {BAD}✗{BAD:#} {name} {DIM}(ended before it answered){DIM:#}");
            }
            other => outln!("      {BAD}✗{BAD:#} {name} {DIM}({other}){DIM:#}"),
        }
    }
}

/// Explains the first step that is not solved, and says what to do; answers whether there is none.
fn conclude(reader: &Reader, slug: &str, steps: &[Step]) -> Result<bool> {
    let chapter = reader.course.chapter(slug)?;
    let first = |wanted: &[State]| steps.iter().position(|step| wanted.contains(&step.state()));
    // What this machine cannot run comes last: it waits for the machine, not for the learner.
    let open = first(&[State::Unstarted, State::Failing]).or(first(&[State::Skipped]));
    let Some(step) = open.map(|index| &steps[index]) else {
        congratulate(reader, chapter, steps);
        return Ok(true);
    };
    let place = steps_of(chapter)
        .find(|place| place.step() == step.name)
        .context("the course has changed meanwhile (check again)")?;
    let Some(test) = step.first_open() else {
        return Ok(false);
    };
    match test.status {
        Status::Unstarted if step.state() == State::Unstarted => {
            let first = steps.iter().all(|step| step.state() == State::Unstarted);
            outln!(
                "{} {BOLD}{}{BOLD:#}.",
                if first { "Begin with" } else { "Next:" },
                step.name
            );
        }
        Status::Unstarted => outln!(
            "{BOLD}{}{BOLD:#} reached a part that is still to be written.",
            test.test
        ),
        Status::Skipped => outln!(
            "{ODD}{}{ODD:#} could not be run on this machine.",
            test.test
        ),
        Status::InfrastructureError => outln!(
            "{ODD}{}{ODD:#} could not be judged; this is not your mistake.",
            test.test
        ),
        Status::Timeout => outln!("{BAD}{}{BAD:#} got no answer in time.", test.test),
        Status::Crash => outln!(
            "{BAD}{}{BAD:#} got no answer: your code ended first.",
            test.test
        ),
        _ => outln!("{BAD}{}{BAD:#} failed.", test.test),
    }
    outln!("\n{}\n", text::indent(&shortened(&test.message), "    "));
    if matches!(test.status, Status::Skipped | Status::InfrastructureError) {
        outln!("  {DIM}see{DIM:#}     cargo course doctor");
        return Ok(false);
    }
    if let Some(why) = &test.why {
        let why: Vec<_> = why.lines().map(str::trim).collect();
        outln!("  {DIM}why{DIM:#}     {}", why.join("\n          "));
    }
    let root = &reader.course.root;
    let of_step = section::of_step(root, slug, place.index + 1);
    // Who has not begun is sent to where the step begins, not to a detail of it.
    let of_test = test
        .section
        .as_deref()
        .filter(|_| test.status != Status::Unstarted || of_step.is_none());
    match of_test
        .and_then(|address| section::find(root, address))
        .or(of_step)
    {
        Some(section) => outln!("  {DIM}read{DIM:#}    {section}"),
        None => outln!(
            "  {DIM}read{DIM:#}    {}",
            of_test.unwrap_or(&format!("{slug}.md"))
        ),
    }
    if let Some(seed) = test.seed
        && test.status != Status::Unstarted
    {
        // Named after `--`: given before it, cargo also builds and runs the library's own tests, of which there are none.
        outln!(
            "  {DIM}replay{DIM:#}  CHECKS_SEED={seed} cargo test -p {slug} -- {}",
            test.test
        );
    }
    let at = where_to_look(reader, place, test);
    if !test.message.contains(&at) {
        outln!("  {DIM}open{DIM:#}    {at}");
    }
    outln!("  {DIM}stuck?{DIM:#}  cargo course hint {}", step.name);
    Ok(false)
}

/// What to do when every step that was asked for is solved.
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
            "  {DIM}go on{DIM:#}    src/{0}.md, then `cargo course check {0}`",
            next.slug
        );
    }
}

/// The line that the message names, else the first `todo!` if one is at fault, else the file.
fn where_to_look(reader: &Reader, place: Place<'_>, test: &TestResult) -> String {
    let todo = || {
        let text = fs::read_to_string(reader.path(place)).ok()?;
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

fn shortened(message: &str) -> String {
    let message = message.trim();
    let lines: Vec<_> = message.lines().collect();
    if lines.len() <= MESSAGE_LINES {
        return message.to_owned();
    }
    let left_out = lines.len() - MESSAGE_LINES;
    format!(
        "{}\n… {left_out} more lines",
        lines[..MESSAGE_LINES].join("\n")
    )
}
