//! `cargo course check`: runs the tests of a chapter's exercise and says what to do next.

use crate::{
    judge::{self, State, Verdict},
    reader::{Reader, joined, steps_of},
    report, section,
    text::{BAD, BOLD, DIM, bar, count, outln},
};
use anyhow::{Context, Result};
use grader::stop::Stop;
use std::{path::Path, process::ExitCode};

/// The exit code of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What `cargo course check` is asked.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 every step that was asked for is solved, 1 not yet.")]
pub struct Args {
    /// The chapter or the step, such as `memory` or `lost_updates`; without it, the chapter of the current folder, else
    /// the one you edited last, else the first one not finished.
    ///
    /// A step may follow its chapter, as in `gil lock`.
    #[arg(num_args = 0..=2)]
    what: Vec<String>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let mut reader = Reader::open(root)?;
    let named = reader.named(joined(&args.what).as_deref())?;
    let (slug, only) = (named.chapter().slug.clone(), named.step());
    let stop = Stop::on_signals().context("cannot catch Ctrl-C")?;
    Ok(match check(&mut reader, &slug, only, None, &stop)? {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => ExitCode::from(INTERRUPTED),
    })
}

/// Judges a chapter, or its step `only` (from 0), and shows the verdict. Returns whether all of that is solved, or
/// `None` after a request to stop.
///
/// With `at_hand`, that step is judged, shown and explained before the others.
pub fn check(
    reader: &mut Reader,
    slug: &str,
    only: Option<usize>,
    at_hand: Option<usize>,
    stop: &Stop,
) -> Result<Option<bool>> {
    let title = section::title(&reader.course.root, slug).unwrap_or_else(|| slug.to_owned());
    outln!("{BOLD}{title}{BOLD:#}\n");
    let chapter = reader.course.chapter(slug)?.clone();
    let root = reader.course.root.clone();
    let width = steps_of(&chapter)
        .filter(|place| only.is_none_or(|only| only == place.index))
        .map(|place| place.step().chars().count())
        .max()
        .unwrap_or(0);
    let mut detailed = false; // one step at a time: what comes after it is for later
    let mut explained = false;
    let verdict = judge::judge(reader, slug, only, at_hand, stop, |place, step| {
        let open = matches!(step.state(), State::Unstarted | State::Failing);
        report::show_step(step, width, open && !detailed);
        detailed |= open;
        if open && !explained && at_hand == Some(place.index) {
            outln!("");
            report::explain(&root, place, step, false);
            outln!("");
            explained = true;
        }
    })?;
    let solved = match verdict {
        Verdict::Interrupted => return Ok(None),
        Verdict::DoesNotCompile { diagnostics } => {
            outln!("{}\n", diagnostics.trim_end());
            outln!(
                "{BAD}It does not compile yet{BAD:#}, so no test ran. Fix the first error above first."
            );
            false
        }
        Verdict::Judged { steps, warnings } => {
            for warning in warnings {
                outln!("\n{}", warning.trim_end());
            }
            if !explained {
                outln!("");
                report::conclude(reader, &chapter, &steps)?;
            }
            steps.iter().all(|step| step.state() == State::Solved)
        }
    };
    let (done, all) = reader.count();
    outln!(
        "\n{DIM}{}{DIM:#}  {done} of {} solved",
        bar(done, all),
        count(all, "step")
    );
    Ok(Some(solved))
}
