//! `cargo course grade report` and `cargo course grade merge`: what becomes of results.

use crate::text::{count, errln, outln};
use anyhow::{Context, Error, Result};
use clap::ArgGroup;
use files::write::write_atomic;
use grader::{
    grade::Record,
    report::{self, LoadError},
    results::Results,
    shard::{self, MergeError},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What is done with results.
#[derive(clap::Subcommand)]
pub enum Then {
    /// Write reports of results: CSV, HTML, JUnit XML, Gradescope, GitHub, a page for each learner.
    Report(Report),
    /// Put the results of all shards together. Fails unless everybody is there exactly once.
    Merge(Merge),
}

/// What `report` is asked.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("outputs").required(true).multiple(true))]
pub struct Report {
    /// A file that `grade` or `merge` wrote.
    #[arg(value_name = "RESULTS", default_value = "results.jsonl")]
    results: PathBuf,

    /// A line for each exercise of each submission, for spreadsheets.
    #[arg(long, value_name = "FILE", group = "outputs")]
    csv: Option<PathBuf>,

    /// A page for the instructor: who is where, and what is misunderstood most.
    #[arg(long, value_name = "FILE", group = "outputs")]
    html: Option<PathBuf>,

    /// For CI systems.
    #[arg(long, value_name = "FILE", group = "outputs")]
    junit: Option<PathBuf>,

    /// The results.json of Gradescope, of one submission that could be judged in full.
    #[arg(long, value_name = "FILE", group = "outputs")]
    gradescope: Option<PathBuf>,

    /// What the autograding reporter of GitHub Classroom takes, of one submission that could be judged in full.
    #[arg(long, value_name = "FILE", group = "outputs")]
    classroom: Option<PathBuf>,

    /// A page for each learner, in this folder.
    #[arg(long, value_name = "DIR", group = "outputs")]
    feedback: Option<PathBuf>,

    /// Append the summary of a job, in Markdown, of at most 1 MiB: "$GITHUB_STEP_SUMMARY".
    #[arg(long, value_name = "FILE", group = "outputs")]
    summary: Option<PathBuf>,

    /// Print annotations for GitHub Actions.
    #[arg(long, group = "outputs")]
    annotations: bool,

    /// Multiply the points of an exercise, such as memory=2; may be given for several.
    #[arg(long, value_name = "EXERCISE=N", value_parser = parse_weight)]
    weight: Vec<(String, f64)>,

    /// Where the book is, for links in the page: https://example.org/book
    #[arg(long, value_name = "URL")]
    book: Option<String>,
}

/// What `merge` is asked.
#[derive(clap::Args)]
pub struct Merge {
    /// The results of each shard, with the .shard file beside each.
    #[arg(required = true, value_name = "RESULTS")]
    shards: Vec<PathBuf>,

    /// Where the results of the class go. A file that is there already is kept as FILE.1, or the next free number.
    #[arg(long, value_name = "FILE", default_value = "results.jsonl")]
    output: PathBuf,
}

fn parse_weight(text: &str) -> Result<(String, f64), String> {
    let weight = text.split_once('=').and_then(|(exercise, weight)| {
        let weight: f64 = weight.parse().ok()?;
        let fits = (0.0..=10_000.0).contains(&weight);
        fits.then(|| (exercise.to_owned(), weight))
    });
    weight.ok_or_else(|| "a weight is an exercise and a number, such as memory=2".to_owned())
}

/// The command line names what there isn't.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misnamed(String);

/// Runs the subcommand.
pub fn run(then: &Then) -> Result<ExitCode> {
    let done = match then {
        Then::Report(args) => write(args),
        Then::Merge(args) => merge(args),
    };
    match done {
        Err(error) if is_usage(&error) => {
            errln!("error: {error:#}");
            Ok(ExitCode::from(super::USAGE))
        }
        done => done.map(|()| ExitCode::SUCCESS),
    }
}

/// Whether another command line would have worked: a name or a path in it is wrong.
fn is_usage(error: &Error) -> bool {
    let is_unread = |error: &LoadError| matches!(error, LoadError::Read { .. });
    error.is::<Misnamed>()
        || error.downcast_ref().is_some_and(is_unread)
        || error.downcast_ref().is_some_and(|error| match error {
            MergeError::Load(error) => is_unread(error),
            MergeError::Plan { cause, .. } => cause.kind() == io::ErrorKind::NotFound,
            _ => false,
        })
}

fn write(args: &Report) -> Result<()> {
    let mut records = report::load(&args.results)?;
    for (exercise, weight) in &args.weight {
        if !report::weigh(&mut records, exercise, *weight) {
            return Err(no_such_exercise(&records, exercise).into());
        }
    }
    let put = |path: &Option<PathBuf>, make: &dyn Fn(&[Record]) -> Result<String>| {
        let Some(path) = path else { return Ok(()) };
        let text = make(&records)?;
        write_atomic(path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        outln!("Report: {}", path.display());
        anyhow::Ok(())
    };
    put(&args.csv, &|records| Ok(report::csv(records)))?;
    let book = args.book.as_deref();
    put(&args.html, &|records| Ok(report::html(records, book)))?;
    put(&args.junit, &|records| {
        report::junit(records).map_err(anyhow::Error::msg)
    })?;
    put(&args.gradescope, &|records| {
        Ok(report::gradescope(records)?)
    })?;
    put(&args.classroom, &|records| Ok(report::classroom(records)?))?;
    if let Some(folder) = &args.feedback {
        feedback(folder, &report::feedback(&records, book))?;
    }
    if let Some(path) = &args.summary {
        append_summary(path, &records, book)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.annotations {
        outln!("{}", report::annotations(&records).trim_end());
    }
    Ok(())
}

fn no_such_exercise(records: &[Record], exercise: &str) -> Misnamed {
    let known: BTreeSet<_> = records
        .iter()
        .map(|record| record.exercise.clone())
        .collect();
    let known: Vec<_> = known.into_iter().filter(|one| !one.is_empty()).collect();
    let known = files::names::offer(exercise, &known);
    Misnamed(format!(
        "--weight {exercise}=…: no result is for this exercise ({known})"
    ))
}

fn feedback(folder: &Path, pages: &BTreeMap<String, String>) -> Result<()> {
    let at = |path: &Path| format!("cannot write {}", path.display());
    fs::create_dir_all(folder).with_context(|| at(folder))?;
    for (file, page) in pages {
        let path = folder.join(file);
        write_atomic(&path, page.as_bytes()).with_context(|| at(&path))?;
    }
    outln!(
        "Feedback: {} in {}",
        count(pages.len(), "page"),
        folder.display()
    );
    Ok(())
}

/// Other steps of a job may have written into the file, and GitHub refuses all of it when it is too long.
fn append_summary(path: &Path, records: &[Record], book: Option<&str>) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let used = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let room = report::SUMMARY_SIZE.saturating_sub(used);
    let text = report::summary(records, book, room);
    if text.len() <= room {
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn merge(args: &Merge) -> Result<()> {
    let is_output = |shard: &Path| {
        let (shard, output) = (shard.canonicalize(), args.output.canonicalize());
        matches!((shard, output), (Ok(a), Ok(b)) if a == b)
    };
    if args.shards.iter().any(|shard| is_output(shard)) {
        let output = args.output.display();
        let why = format!("{output} is one of the shards (choose another --output)");
        return Err(Misnamed(why).into());
    }
    let records = shard::merge(&args.shards)?;
    let kept = Results::open(&args.output)?.finish(&records)?;
    if let Some(kept) = kept {
        errln!("the older results: {}", kept.display());
    }
    outln!(
        "Results: {} ({} of {})",
        args.output.display(),
        count(records.len(), "result"),
        count(args.shards.len(), "shard")
    );
    Ok(())
}
