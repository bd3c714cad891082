//! For GitHub Actions: the summary of a job, in Markdown, and annotations, which are commands on standard output.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use super::{Marks, Unit, html::most_misunderstood, units};
use crate::{grade::Record, runner::Status};
use std::{collections::BTreeSet, fmt::Write};

/// The most bytes of a step's summary. GitHub refuses a longer one whole.
pub const SUMMARY_SIZE: usize = 1 << 20;
/// The most annotations of a kind that GitHub shows of a step.
const ANNOTATIONS: usize = 10;
/// The most bytes of an annotation's message; it is a hint, and the log holds the rest.
const ANNOTATION_SIZE: usize = 1500;
/// Room for the note on what was left out.
const NOTE: usize = 200;

/// The summary of a job, in at most `room` bytes. What doesn't fit is left out by whole rows, and counted.
#[must_use]
pub fn summary(records: &[Record], book: Option<&str>, room: usize) -> String {
    let units = units(records);
    let all: Marks = units.iter().map(Unit::marks).sum();
    let exercises = || units.iter().filter(|unit| !unit.is_whole());
    let full = exercises().filter(|unit| unit.worst() == Status::Passed);
    let open = exercises().filter(|unit| unit.unjudged() > 0);
    let mut text = format!(
        "## Results\n\n{} exercises: {} passed every test, {} could not be judged in full. Marks: {all}.\n\n",
        exercises().count(),
        full.count(),
        open.count()
    );
    let rows = units.iter().map(|unit| {
        format!(
            "| {} | {} | {} | {} | {} |\n",
            escaped(unit.submission),
            escaped(unit.exercise),
            unit.score(),
            unit.marks(),
            unit.worst()
        )
    });
    let head = "| submission | exercise | passed | marks | worst |\n|---|---|---|---|---|\n";
    table(&mut text, head, rows, room);
    let meant = most_misunderstood(records);
    let rows = meant.shown.iter().map(|((why, section), count)| {
        let read = super::html::address(section, book);
        let read = read.map_or_else(
            || escaped(section),
            |address| format!("[{}](<{}>)", escaped(section), address),
        );
        format!("| {} | {read} | {count} |\n", escaped(why))
    });
    if rows.len() > 0 {
        let head = "\n### Most common misconceptions\n\n| what the failure means | read | submissions |\n|---|---|---|\n";
        table(&mut text, head, rows, room);
    }
    if meant.more > 0 && text.len() + NOTE <= room {
        let _ = write!(text, "\n… and {} more\n", meant.more);
    }
    text
}

/// Adds the rows that there is room for.
fn table(text: &mut String, head: &str, rows: impl ExactSizeIterator<Item = String>, room: usize) {
    let all = rows.len();
    if text.len() + head.len() + NOTE > room {
        return;
    }
    *text += head;
    for (index, row) in rows.enumerate() {
        if text.len() + row.len() + NOTE > room {
            let left = all - index;
            let _ = write!(
                text,
                "\n{left} more rows don't fit; see the results file.\n"
            );
            return;
        }
        *text += &row;
    }
}

/// Text that Markdown shows as it is, on one line: every character that could mean something is spelled as an entity.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut chars = text.chars();
    for c in chars.by_ref().take(500) {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_ascii_punctuation() && !matches!(c, '.' | ',') => {
                let _ = write!(safe, "&#{};", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    if chars.next().is_some() {
        safe.push('…');
    }
    safe
}

/// Workflow commands, a line each: of a learner's own repository an error for each step that failed, at its file; for a class only
/// warnings, of what could not be judged.
#[must_use]
pub fn annotations(records: &[Record]) -> String {
    let people: BTreeSet<_> = records.iter().map(|record| &*record.submission).collect();
    let mut text = String::new();
    let mut steps = BTreeSet::new();
    let failed = records.iter().filter(|record| {
        people.len() == 1 && record.status.is_verdict() && record.status != Status::Passed
    });
    let first = failed.filter(|record| steps.insert((&record.exercise, &record.step)));
    for record in first.take(ANNOTATIONS) {
        let file = match record.step.as_str() {
            "" => String::new(),
            step => {
                property(
                    "file",
                    &format!("exercises/{}/src/{step}.rs", record.exercise),
                ) + ","
            }
        };
        let why = record.why.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "::error {file}{}::{}",
            property("title", &title(record)),
            data(&format!("{}\n{why}", record.message))
        );
    }
    let open = records.iter().filter(|record| !record.status.is_verdict());
    for record in open.take(ANNOTATIONS) {
        let name = format!("{} {}: not judged", record.submission, title(record));
        let _ = writeln!(
            text,
            "::warning {}::{}",
            property("title", &name),
            data(&record.message)
        );
    }
    text
}

fn title(record: &Record) -> String {
    match record.test.as_str() {
        "" => format!("{} {}", record.exercise, record.status),
        test => format!("{} {test}: {}", record.exercise, record.status),
    }
}

fn property(name: &str, value: &str) -> String {
    let value = data(value).replace(':', "%3A").replace(',', "%2C");
    format!("{name}={value}")
}

fn data(text: &str) -> String {
    let text = text.trim();
    let end = (0..=ANNOTATION_SIZE.min(text.len())).rfind(|&end| text.is_char_boundary(end));
    text[..end.unwrap_or(0)]
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
