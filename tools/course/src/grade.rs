//! `cargo course grade`: judges submissions, shows a table and writes one record per test.

mod class;
mod reports;

use crate::text::{BAD, BOLD, GOOD, ODD, columns, count, errln, outln};
use anstyle::Style;
use anyhow::{Context, Result, anyhow};
use class::Outcome;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use grader::{
    course::{Chapter, Course},
    grade::Record,
    report::Marks,
    results::Results,
    runner::Status,
    sandbox::{Level, Sandbox, Wanted as WantedSandbox},
    shard::{self, Shard},
    sources::git::Revision,
    stop::Stop,
    submission::{self, Found, Roster, Submission, Wanted},
};
use std::{
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
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Each line of the results is a JSON object: submission, exercise, step, test, status, seconds, message, why, section, sandbox,
points, self_reported, and commit if it was read from git.
Statuses: passed, failed, compile_error, compile_timeout, timeout, crash, memory_limit, output_limit, rejected (a symlink,
say, or a file that is not UTF-8);
and two that must not count as a zero: infrastructure_error (something of ours) and skipped (no python3 here).

Exit codes: 0 everything was judged, whatever the marks; 2 the command line was wrong, nothing was judged;
3 something could not be judged; 130 interrupted. Verdicts are kept in FILE.partial, whenever a grader ends, and the same
command continues from there. After 3, it tries again what could not be judged, and nothing else.

Submissions are compiled and run in a sandbox. That is bubblewrap, at L3 as root (sudo) and at L2 otherwise; where it can't work,
it is Landlock, at L1. Each result names its level. Where no sandbox works, nothing is judged, unless you insist with --no-sandbox.")]
pub struct Args {
    #[command(subcommand)]
    then: Option<reports::Then>,

    /// A submission, which is a folder that holds exercises/<chapter>/src, an archive of one, or a folder or archive of
    /// submissions.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Where the results go. A file that is there already is kept as FILE.1, or the next free number.
    #[arg(long, value_name = "FILE", default_value = "results.jsonl")]
    output: PathBuf,

    /// Judge only this chapter's exercise.
    #[arg(long, value_name = "CHAPTER")]
    exercise: Option<String>,

    /// Run submissions as yourself, with all your rights. Only for code that you would run anyway.
    #[arg(long)]
    no_sandbox: bool,

    /// Use this level of the sandbox and no other: L3, L2 or L1. By default, the strongest that works.
    #[arg(long, value_name = "LEVEL", conflicts_with = "no_sandbox", value_parser = parse_level)]
    level: Option<Level>,

    /// Seconds that the tests of one exercise of one submission may take together; tests still open then time out.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    budget: u64,

    /// Exercises to judge at the same time. By default, as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    jobs: Option<u8>,

    /// Judge each git repository at this commit, branch or tag, not the files in its folder.
    #[arg(long, value_name = "COMMIT", conflicts_with = "deadline")]
    at: Option<String>,

    /// Judge each git repository at its last commit before this moment, by the committer's date: 2026-11-20T23:59:59+01:00.
    #[arg(long, value_name = "RFC3339", value_parser = parse_deadline)]
    deadline: Option<Revision>,

    /// The roster of a GitHub classroom: results name learners by their identifiers, and list those who handed in nothing.
    #[arg(long, value_name = "CSV")]
    roster: Option<PathBuf>,

    /// Judge part I of N of the class, or the part that the surrounding engine assigns; `merge` puts the parts together.
    #[arg(long, value_name = "I/N|auto")]
    shard: Option<Shard>,
}

fn parse_deadline(text: &str) -> Result<Revision, String> {
    Revision::deadline(text)
}

fn parse_level(text: &str) -> Result<Level, String> {
    [Level::L3, Level::L2, Level::L1]
        .into_iter()
        .find(|level| level.to_string() == text)
        .ok_or_else(|| "there are L3, L2 and L1".to_owned())
}

impl Args {
    fn wanted(&self) -> Result<Wanted> {
        let at = self.at.clone().map(Revision::At);
        Ok(Wanted {
            only: self.exercise.clone(),
            revision: at.or_else(|| self.deadline.clone()),
            roster: self.roster.as_deref().map(Roster::open).transpose()?,
            sandbox: Sandbox::none(),
        })
    }

    fn jobs(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(all, usize::from)
    }
}

/// What one submission got for one exercise.
struct Row {
    submission: String,
    exercise: String,
    records: Vec<Record>,
}

/// Runs the command in the course at `root`.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    if let Some(then) = &args.then {
        return reports::run(then);
    }
    let course = Course::open(root)?;
    grader::sandbox::withhold_memory();
    let stop = Stop::on_signals().context("cannot catch Ctrl-C")?;
    let prepared = prepare(&course, args);
    let (found, mut results, sandbox) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            errln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let level = sandbox.level();
    let judged = class::judge(
        &course,
        &found.submissions,
        args,
        sandbox,
        &mut results,
        &stop,
    );
    let rows = match judged {
        Ok(Outcome::Judged(rows)) => rows,
        Ok(Outcome::Interrupted { judged: 0, .. }) => {
            errln!(
                "interrupted: nothing was written to {}",
                args.output.display()
            );
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ok(Outcome::Interrupted { judged, all }) => {
            errln!(
                "interrupted: {judged} of {} judged; the same command continues from there",
                count(all, "exercise")
            );
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Err(error) => {
            errln!("error: {error:#}");
            return Ok(ExitCode::from(UNJUDGED));
        }
    };
    let written = results.finish(rows.iter().flat_map(|row| &row.records));
    if let Some(shard) = args.shard {
        let units = found.submissions.iter().flat_map(units);
        shard::write_plan(&args.output, shard, units)
            .with_context(|| format!("cannot write {}.shard", args.output.display()))?;
    }
    show(&course, &rows, level);
    if !found.passed_over.is_empty() {
        let files = count(found.passed_over.len(), "file");
        outln!("Passed over: {files} ({})", found.passed_over.join(", "));
    }
    if !found.absent.is_empty() {
        outln!("Handed in nothing: {}", found.absent.join(", "));
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

/// The names of what is judged of a submission.
fn units(submission: &Submission) -> Vec<(String, String)> {
    let none = submission.problem.as_ref().map(|_| String::new());
    let slugs = none.into_iter().chain(submission.chapters.iter().cloned());
    slugs.map(|slug| (submission.name.clone(), slug)).collect()
}

/// All that can be wrong with the command line, found out before anything is built.
fn prepare(course: &Course, args: &Args) -> Result<(Found, Results, Sandbox)> {
    if let Some(slug) = &args.exercise {
        course.chapter(slug)?;
    }
    // Git reads repositories in the sandbox. Files are read before it is tried, so that a typo is told at once.
    let wanted = args.wanted()?;
    if wanted.revision.is_some() {
        let sandbox = sandbox(course, args)?;
        let wanted = Wanted {
            sandbox: sandbox.clone(),
            ..wanted
        };
        let found = submission::find_all(course, &args.paths, &wanted)?;
        return Ok((found, Results::open(&args.output)?, sandbox));
    }
    let found = submission::find_all(course, &args.paths, &wanted)?;
    let results = Results::open(&args.output)?;
    Ok((found, results, sandbox(course, args)?))
}

/// The strongest sandbox that works here, unless somebody insists on none.
fn sandbox(course: &Course, args: &Args) -> Result<Sandbox> {
    if args.no_sandbox {
        return Ok(Sandbox::none());
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let mut hidden = vec![course.root.as_path()];
    hidden.extend(home.as_deref());
    hidden.extend(args.paths.iter().map(PathBuf::as_path));
    Sandbox::find(&WantedSandbox {
        hidden: &hidden,
        level: args.level,
        launcher: std::env::current_exe().ok(),
    })
    .map_err(|why| {
        anyhow!("no sandbox works here: {why} (--no-sandbox runs submissions with your own rights)")
    })
}

impl Row {
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

/// Blanks between two cells.
const GAP: usize = 2;

/// The width of the heading `submission`, with its blanks.
const NAME: u16 = 12;

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
    let mut told = std::collections::BTreeSet::new();
    for row in rows {
        let commit = row.records.iter().find_map(|one| one.commit.as_ref());
        let note = commit.and_then(|commit| Some((commit, commit.note.as_ref()?)));
        if let Some((commit, note)) = note.filter(|_| told.insert(&row.submission)) {
            let id = commit.id.get(..10).unwrap_or(&commit.id);
            outln!("{}: commit {id}: {note}", row.submission);
        }
    }
    let unjudged = |row: &&Row| !row.records.iter().all(|record| record.status.is_verdict());
    if rows.iter().any(|row| unjudged(&row)) {
        outln!(
            "{ODD}?{ODD:#}: tests that could not be judged; they must not count as a zero. The same command tries them again"
        );
    }
    let (whole, exercises): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.exercise.is_empty());
    let open = exercises.iter().filter(|row| unjudged(row)).count();
    let full = exercises
        .iter()
        .filter(|row| row.worst() == Status::Passed)
        .count();
    let whole = match whole.len() {
        0 => String::new(),
        whole => format!(
            " {} held no exercise that could be judged.",
            count(whole, "submission")
        ),
    };
    outln!(
        "{}: {full} passed every test, {} did not, {open} could not be judged in full.{whole} Sandbox: {sandbox}.",
        count(exercises.len(), "exercise"),
        exercises.len() - full - open
    );
}

fn show_table(chapter: &Chapter, rows: &[&Row]) {
    let mut table = table(chapter, rows, &chapter.steps);
    let width: usize = table
        .column_max_content_widths()
        .iter()
        .map(|width| usize::from(*width) + GAP)
        .sum();
    let mut legend = None;
    if width > columns() {
        let numbers: Vec<_> = (1..=chapter.steps.len()).map(|n| n.to_string()).collect();
        table = self::table(chapter, rows, &numbers);
        let steps = numbers.iter().zip(&chapter.steps);
        let steps = steps.map(|(number, step)| format!("{number} {step}"));
        legend = Some(steps.collect::<Vec<_>>().join(", "));
    }
    outln!("{BOLD}{}{BOLD:#}", chapter.slug);
    for line in table.lines() {
        outln!(" {}", line.trim_end()); // a cell is padded by one
    }
    if let Some(legend) = legend {
        outln!("  steps: {legend}");
    }
    outln!("");
}

/// A row for each submission, and a column for each step under one of `names`.
fn table(chapter: &Chapter, rows: &[&Row], names: &[String]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(columns()).unwrap_or(u16::MAX));
    table.set_header(
        ["submission"]
            .into_iter()
            .chain(names.iter().map(String::as_str))
            .chain(["all", "marks", "worst"]),
    );
    for row in rows {
        let mut cells = vec![row.submission.clone()];
        cells.extend(chapter.steps.iter().map(|step| row.score(Some(step))));
        let style = color(row.worst());
        let marks: Marks = row.records.iter().map(Marks::of).sum();
        let worst = format!("{style}{}{style:#}", row.worst());
        cells.extend([row.score(None), marks.to_string(), worst]);
        table.add_row(cells);
    }
    // Where there is too little room, a name breaks, and no heading or number does.
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_constraint(match index {
            0 => ColumnConstraint::LowerBoundary(Width::Fixed(NAME)),
            _ => ColumnConstraint::ContentWidth,
        });
    }
    table
}

fn color(status: Status) -> Style {
    match status {
        Status::Passed => GOOD,
        status if status.is_verdict() => BAD,
        _ => ODD,
    }
}
