//! `cargo course grade report` and `cargo course grade merge`: what becomes of results.

use crate::text::{count, errln, outln};
use anyhow::{Context, Result, bail};
use files::write::write_atomic;
use grader::{grade::Record, report, results::Results, shard};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What is done with results.
#[derive(clap::Subcommand)]
pub enum Then {
    /// Write reports of results: CSV, HTML, JUnit XML, Gradescope.
    Report(Report),
    /// Put the results of all shards together. Fails unless everybody is there exactly once.
    Merge(Merge),
}

/// What `report` is asked.
#[derive(clap::Args)]
#[group(required = true, multiple = true, args = ["csv", "html", "junit", "gradescope"])]
pub struct Report {
    /// A file that `grade` or `merge` wrote.
    #[arg(value_name = "RESULTS", default_value = "results.jsonl")]
    results: PathBuf,

    /// A line for each exercise of each submission, for spreadsheets.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// A page for the instructor: who is where, and what is misunderstood most.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// For CI systems.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// The results.json of Gradescope, of one submission that could be judged in full.
    #[arg(long, value_name = "FILE")]
    gradescope: Option<PathBuf>,

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

/// Runs the subcommand.
pub fn run(then: &Then) -> Result<ExitCode> {
    match then {
        Then::Report(args) => write(args)?,
        Then::Merge(args) => merge(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write(args: &Report) -> Result<()> {
    let records = report::load(&args.results)?;
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
    })
}

fn merge(args: &Merge) -> Result<()> {
    let is_output = |shard: &Path| {
        let (shard, output) = (shard.canonicalize(), args.output.canonicalize());
        matches!((shard, output), (Ok(a), Ok(b)) if a == b)
    };
    if args.shards.iter().any(|shard| is_output(shard)) {
        bail!(
            "{} is one of the shards (choose another --output)",
            args.output.display()
        );
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
