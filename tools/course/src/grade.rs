//! `cargo course grade`: judges submissions, shows a table and writes one record per test.

use crate::text::{BAD, BOLD, GOOD, ODD, Ticker, columns, count, errln, outln};
use anstyle::Style;
use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use grader::{
    course::{Chapter, Course},
    grade::{Grader, Interrupted, Record, Step},
    results::Results,
    runner::Status,
    sandbox::{Level, Sandbox},
    stop::Stop,
    submission::{self, Found, Submission},
};
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The command line was wrong: nothing was judged.
const USAGE: u8 = 2;
/// Something could not be judged: its record says why, and is no zero.
const UNJUDGED: u8 = 3;
/// Ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What `cargo course grade` is asked.
#[derive(clap::Args)]
#[command(after_help = "\
Each line of the results is a JSON object: submission, exercise, step, test, status, seconds, message, why, section, sandbox.
Statuses: passed, failed, compile_error, compile_timeout, timeout, crash, memory_limit, output_limit, rejected (a symlink,
say, or a file that is no UTF-8);
and two that must not count as a zero: infrastructure_error (something of ours) and skipped (no python3 here).

Exit codes: 0 everything was judged, whatever the marks; 2 the command line was wrong, nothing was judged;
3 something could not be judged; 130 interrupted, nothing was written.

Submissions are compiled and run in a sandbox (bubblewrap): L3 as root (sudo), L2 otherwise; each result names its level.
Where no sandbox works, nothing is judged, unless you insist by --no-sandbox.")]
pub struct Args {
    /// A submission, which is a folder that holds exercises/<chapter>/src, or a folder of submissions.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Where the results go. A file that is there already is kept as FILE.1, or the next free number.
    #[arg(long, value_name = "FILE", default_value = "results.jsonl")]
    output: PathBuf,

    /// Judge this chapter's exercise alone.
    #[arg(long, value_name = "CHAPTER")]
    exercise: Option<String>,

    /// Run submissions as yourself, with all that you may do. For code that you would run anyway.
    #[arg(long)]
    no_sandbox: bool,
}

/// What one submission got for one exercise.
struct Row {
    submission: String,
    exercise: String,
    records: Vec<Record>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: Args) -> Result<ExitCode> {
    let course = Course::open(root)?;
    let prepared = prepare(&course, &args);
    let (found, mut results) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            errln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let stop = Stop::on_signals().context("cannot catch Ctrl-C")?;
    let sandbox = match sandbox(&course, &args) {
        Ok(sandbox) => sandbox,
        Err(why) => {
            errln!("error: no sandbox works here: {why} (--no-sandbox runs submissions as you do)");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let level = sandbox.level();
    let rows = match judge(&course, &found.submissions, sandbox, &stop) {
        Ok(Some(rows)) => rows,
        Ok(None) => {
            errln!(
                "interrupted: nothing was written to {}",
                args.output.display()
            );
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(error) => {
            errln!("error: {error:#}");
            return Ok(ExitCode::from(UNJUDGED));
        }
    };
    let written = rows
        .iter()
        .flat_map(|row| &row.records)
        .try_for_each(|record| results.add(record));
    let written = written.and_then(|()| results.finish());
    show(&course, &rows, level);
    if !found.passed_over.is_empty() {
        let files = count(found.passed_over.len(), "file");
        outln!("Passed over: {files} ({})", found.passed_over.join(", "));
    }
    match written {
        Ok(None) => outln!("Results: {}", args.output.display()),
        Ok(Some(kept)) => outln!(
            "Results: {} (the older ones: {})",
            args.output.display(),
            kept.display()
        ),
        Err(error) => {
            errln!("error: {error:#}");
            return Ok(ExitCode::from(UNJUDGED));
        }
    }
    let judged = rows
        .iter()
        .flat_map(|row| &row.records)
        .all(|record| record.status.is_verdict());
    Ok(if judged {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNJUDGED)
    })
}

/// All that can be wrong with the command line, found out before anything is built.
fn prepare(course: &Course, args: &Args) -> Result<(Found, Results)> {
    if let Some(slug) = &args.exercise {
        course.chapter(slug)?;
    }
    let found = submission::find(course, &args.paths, args.exercise.as_deref())?;
    Ok((found, Results::create(&args.output)?))
}

/// The strongest sandbox that works here, unless somebody insists on none.
fn sandbox(course: &Course, args: &Args) -> Result<Sandbox, String> {
    if args.no_sandbox {
        return Ok(Sandbox::none());
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let mut hidden = vec![course.root.as_path()];
    hidden.extend(home.as_deref());
    hidden.extend(args.paths.iter().map(PathBuf::as_path));
    Sandbox::strongest(&hidden)
}

/// Judges all, one after the other; nothing when somebody asked to stop.
fn judge(
    course: &Course,
    submissions: &[Submission],
    sandbox: Sandbox,
    stop: &Stop,
) -> Result<Option<Vec<Row>>> {
    let mut progress = Progress::new(submissions.len());
    progress.say(format_args!("sandbox: {}", sandbox.describe()));
    let waiting =
        || errln!("another `cargo course grade` is at work in this course: waiting for it");
    let grader = match Grader::new(course, stop, waiting) {
        Err(_) if stop.is_requested() => return Ok(None),
        other => other?,
    };
    let mut grader = grader.within(sandbox);
    let mut rows = Vec::new();
    for submission in submissions {
        progress.begin(&submission.name);
        if let Some(problem) = &submission.problem {
            rows.push(Row::new(
                &submission.name,
                "",
                vec![grader.refuse(submission, problem)],
            ));
        }
        for slug in &submission.chapters {
            let chapter = course.chapter(slug)?;
            match grader.grade(submission, chapter, |step| progress.step(slug, step)) {
                Ok(records) => rows.push(Row::new(&submission.name, slug, records)),
                Err(Interrupted) => return Ok(None),
            }
        }
        progress.end(&rows, &submission.name);
    }
    Ok(Some(rows))
}

impl Row {
    fn new(submission: &str, exercise: &str, records: Vec<Record>) -> Self {
        Self {
            submission: submission.to_owned(),
            exercise: exercise.to_owned(),
            records,
        }
    }

    fn worst(&self) -> Status {
        self.records
            .iter()
            .map(|record| record.status)
            .max()
            .unwrap_or(Status::InfrastructureError)
    }

    /// `2/3`: passed of judged. A `?` says that there are tests that could not be judged.
    fn score(&self, step: Option<&str>) -> String {
        let mine = || {
            self.records
                .iter()
                .filter(|record| step.is_none_or(|step| record.step == step))
        };
        let judged = mine().filter(|record| record.status.is_verdict()).count();
        let passed = mine()
            .filter(|record| record.status == Status::Passed)
            .count();
        let open = if judged < mine().count() || mine().count() == 0 {
            "?"
        } else {
            ""
        };
        format!("{passed}/{judged}{open}")
    }

    /// What kept the exercise from being run at all: the first line of it.
    fn reason(&self) -> Option<&str> {
        let first = self.records.first()?;
        let whole = matches!(
            first.status,
            Status::CompileError
                | Status::CompileTimeout
                | Status::Rejected
                | Status::InfrastructureError
        );
        let same = self
            .records
            .iter()
            .all(|record| record.message == first.message);
        let line = first.message.lines().next().unwrap_or_default();
        (whole && same).then(|| line.strip_prefix("error: ").unwrap_or(line))
    }
}

/// Shows a table for each exercise, then what needs a word.
fn show(course: &Course, rows: &[Row], sandbox: Level) {
    for chapter in &course.chapters {
        let mine: Vec<_> = rows
            .iter()
            .filter(|row| row.exercise == chapter.slug)
            .collect();
        if !mine.is_empty() {
            show_table(chapter, &mine);
        }
    }
    for row in rows {
        if let Some(reason) = row.reason() {
            outln!("{}: {}: {}", row.submission, row.worst(), reason);
        }
    }
    let unjudged = |row: &&Row| !row.records.iter().all(|record| record.status.is_verdict());
    if rows.iter().any(|row| unjudged(&row)) {
        outln!("{ODD}?{ODD:#}: tests that could not be judged; they must not count as a zero");
    }
    let open = rows.iter().filter(unjudged).count();
    let full = rows
        .iter()
        .filter(|row| row.worst() == Status::Passed)
        .count();
    outln!(
        "{}: {full} passed every test, {} did not, {open} could not be judged in full. Sandbox: {sandbox}.",
        count(rows.len(), "exercise"),
        rows.len() - full - open
    );
}

fn show_table(chapter: &Chapter, rows: &[&Row]) {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(columns()).unwrap_or(u16::MAX));
    let steps = chapter.steps.iter().map(String::as_str);
    table.set_header(
        ["submission"]
            .into_iter()
            .chain(steps)
            .chain(["all", "worst"]),
    );
    for row in rows {
        let mut cells = vec![row.submission.clone()];
        cells.extend(chapter.steps.iter().map(|step| row.score(Some(step))));
        let style = color(row.worst());
        cells.extend([row.score(None), format!("{style}{}{style:#}", row.worst())]);
        table.add_row(cells);
    }
    outln!("{BOLD}{}{BOLD:#}", chapter.slug);
    for line in table.lines() {
        outln!(" {}", line.trim_end()); // a cell is padded by one
    }
    outln!("");
}

fn color(status: Status) -> Style {
    match status {
        Status::Passed => GOOD,
        status if status.is_verdict() => BAD,
        _ => ODD,
    }
}

/// What goes on, on standard error: one line that is renewed on a terminal, a line per submission elsewhere.
struct Progress {
    ticker: Ticker,
    all: usize,
    number: usize,
    name: String,
    done: usize,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self {
            ticker: Ticker::new(),
            all,
            number: 0,
            name: String::new(),
            done: 0,
        }
    }

    fn say(&mut self, what: impl Display) {
        self.ticker.clear();
        errln!("{what}");
    }

    fn begin(&mut self, name: &str) {
        self.number += 1;
        self.name = name.to_owned();
    }

    fn step(&mut self, slug: &str, step: Step<'_>) {
        let place = format!("{}/{} {}, {slug}", self.number, self.all, self.name);
        match step {
            Step::BuildingJudge(slug) if !self.ticker.is_shown() => {
                self.say(format_args!("building the judge of {slug}"))
            }
            Step::BuildingJudge(slug) => self.ticker.show(&format!("building the judge of {slug}")),
            Step::TryingJudge(slug) => self
                .ticker
                .show(&format!("trying the judge of {slug} on its own solution")),
            Step::Cargo(line) => self.ticker.show(line.trim()),
            Step::Building => {
                self.done = 0;
                self.ticker.show(&format!("{place}: compiling"));
            }
            Step::Judged(..) => {
                self.done += 1;
                self.ticker
                    .show(&format!("{place}: {} judged", count(self.done, "test")));
            }
        }
    }

    fn end(&mut self, rows: &[Row], name: &str) {
        self.ticker.clear();
        for row in rows
            .iter()
            .filter(|row| !self.ticker.is_shown() && row.submission == name)
        {
            errln!(
                "{}/{} {name} {}: {} {}",
                self.number,
                self.all,
                row.exercise,
                row.score(None),
                row.worst()
            );
        }
    }
}
