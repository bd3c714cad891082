//! One page for the instructor: who is where, which test fails most, which misconception is most common.

use super::{Marks, Unit, units, worth};
use crate::{grade::Record, runner::Status};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    h1,h2,h3,td,code{overflow-wrap:anywhere}.t{overflow-x:auto}table{border-collapse:collapse;width:100%}\
    td,th{padding:.2rem .6rem;border-bottom:1px solid #8886;text-align:left;vertical-align:top}td{min-width:6.5rem}td.m{min-width:18rem}small{display:block;opacity:.8}\
    .n{text-align:right;white-space:nowrap;min-width:0;font-variant-numeric:tabular-nums}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.6rem}summary{cursor:pointer}\
    .r{display:block;white-space:pre;overflow-x:auto}\
    @media(max-width:40rem){td{min-width:4rem}pre{font-size:.75rem}\
    .s tr{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.4rem 0;border-bottom:1px solid #8886}.s tr:first-child{display:none}\
    .s td{min-width:0;padding:0;border:0}.s td.m{flex-basis:100%}.s td[data-of]:before{content:attr(data-of)\" \";opacity:.8}}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}";

/// What begins a table. One that is too wide for a phone scrolls by itself.
const TABLE: &str = "<div class=\"t\"><table>";

/// What begins a table with a cell of prose: on a phone, each row becomes a paragraph, and `data-of` its missing headings.
const PROSE_TABLE: &str = "<div class=\"t s\"><table>";

/// A column of a table, by its heading.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Words.
    Text(&'static str),
    /// Numbers, which stand at the right, and so does their heading.
    Number(&'static str),
}

use Column::{Number, Text};

/// How many tests and misconceptions are listed.
const MOST: usize = 12;

/// The page. `book` is where the book is, for links to its sections.
#[must_use]
pub fn html(records: &[Record], book: Option<&str>) -> String {
    let units = units(records);
    let mut page = begin("Results");
    summary(&mut page, &units);
    if units.iter().any(|unit| unit.marks().out_of > 0.0) {
        marks(&mut page, &units);
    }
    who_is_where(&mut page, &units);
    tests(&mut page, records);
    misconceptions(&mut page, records, book);
    self_reported(&mut page, records);
    page + "</body></html>\n"
}

/// The beginning of a page without scripts, that loads nothing.
pub(super) fn begin(title: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n"
    )
}

/// Everybody's marks for all exercises. An exercise that others handed in and somebody didn't earns that person no points.
fn marks(page: &mut String, units: &[Unit<'_>]) {
    let mut people: BTreeMap<&str, Marks> = BTreeMap::new();
    for unit in units {
        let marks = unit.marks();
        let sum = people.entry(unit.submission).or_default();
        *sum = *sum + marks;
    }
    let out_of = worth(units).values().sum();
    head(
        page,
        "Marks",
        &[Text("submission"), Number("marks"), Number("%")],
    );
    for (name, marks) in people {
        let marks = Marks { out_of, ..marks };
        let percent = super::marks::number((100.0 * marks.earned / out_of * 10.0).round() / 10.0);
        let open = if marks.open > 0.0 { "?" } else { "" };
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"n\">{marks}</td><td class=\"n\">{percent}{open}</td></tr>",
            escaped(name)
        );
    }
    *page += END;
}

/// The tests whose verdict the subject's own word decides, and who passed them.
fn self_reported(page: &mut String, records: &[Record]) {
    let mut tests: BTreeMap<(&str, &str), (String, usize)> = BTreeMap::new();
    for record in records.iter().filter(|one| !one.self_reported.is_empty()) {
        let key = (record.exercise.as_str(), record.test.as_str());
        let entry = tests
            .entry(key)
            .or_insert_with(|| (record.self_reported.join(", "), 0));
        entry.1 += usize::from(record.status == Status::Passed);
    }
    if tests.is_empty() {
        return;
    }
    let count = match tests.len() {
        1 => "1 test".to_owned(),
        count => format!("{count} tests"),
    };
    head(
        page,
        "Which marks are self-reported",
        &[
            Text("test"),
            Text("exercise"),
            Text("rests on"),
            Number("passed"),
        ],
    );
    let table = page.rfind(TABLE).unwrap_or(page.len());
    page.insert_str(
        table,
        &format!(
            "<p>These tests rest, at least in part, on what a submission's own process says: events that it counted, \
             failures that happened inside it, what was left open, outcomes of model runs. Code that takes its process over could \
             invent that. If a mark matters, read the submission when its code passes them in a strange way.</p>\n<details><summary>{count}</summary>\n"
        ),
    );
    for ((exercise, test), (kinds, passed)) in tests {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{passed}</td></tr>",
            breakable(test),
            escaped(exercise),
            escaped(&kinds)
        );
    }
    *page += END;
    *page += "</details>\n";
}

fn summary(page: &mut String, units: &[Unit<'_>]) {
    let people: BTreeSet<_> = units.iter().map(|unit| unit.submission).collect();
    let exercises = || units.iter().filter(|unit| !unit.is_whole());
    let full = exercises().filter(|unit| unit.worst() == Status::Passed);
    let open = exercises().filter(|unit| unit.unjudged() > 0);
    let _ = writeln!(
        page,
        "<p>{} submissions, {} exercises: {} passed every test, {} could not be judged in full.</p>",
        people.len(),
        exercises().count(),
        full.count(),
        open.count()
    );
}

fn who_is_where(page: &mut String, units: &[Unit<'_>]) {
    begin_table(
        page,
        "Who is where",
        PROSE_TABLE,
        &[
            Text("submission"),
            Text("exercise"),
            Number("passed"),
            Number("marks"),
            Text("worst"),
            Text("first message"),
        ],
    );
    for unit in units {
        let (exercise, score) = match unit.is_whole() {
            true => ("–".to_owned(), "–".to_owned()),
            false => (escaped(unit.exercise), unit.score()),
        };
        let first = unit
            .records
            .iter()
            .find(|record| record.status != Status::Passed);
        let first = first.and_then(|record| record.message.lines().next());
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\" data-of=\"passed\">{score}</td><td class=\"n\" data-of=\"marks\">{}</td><td>{}</td><td class=\"m\">{}{}</td></tr>",
            escaped(unit.submission),
            exercise,
            unit.marks(),
            unit.worst(),
            prose(first.unwrap_or_default()),
            note(unit)
        );
    }
    *page += END;
}

/// What an instructor should know about the commit that was judged.
fn note(unit: &Unit<'_>) -> String {
    let commit = unit.records.iter().find_map(|one| one.commit.as_ref());
    commit.map_or(String::new(), |commit| {
        let note = commit.note.as_deref();
        let note = note.map_or(String::new(), |note| format!("; {}", escaped(note)));
        let id: String = commit.id.chars().take(10).collect();
        let date = escaped(&commit.committer_date);
        format!(" <small>commit {}, {date}{note}</small>", escaped(&id))
    })
}

/// Whether a test ran and did not pass.
pub(super) fn is_failure(record: &Record) -> bool {
    !matches!(
        record.status,
        Status::Passed | Status::CompileError | Status::CompileTimeout | Status::Rejected
    ) && record.status.is_verdict()
}

/// Where a test stands in the course: the exercise's place, then the test's.
type Place = (usize, usize);

/// The place of each test, by exercise and name. The records of each submission are in the order of the course.
fn places(records: &[Record]) -> BTreeMap<(&str, &str), Place> {
    let units = units(records);
    let mut handed_in: BTreeMap<&str, usize> = BTreeMap::new();
    let mut exercises: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in &units {
        let before = handed_in.entry(unit.submission).or_default();
        let place = exercises.entry(unit.exercise).or_default();
        *place = (*place).max(*before);
        *before += 1;
    }
    let mut places = BTreeMap::new();
    for unit in &units {
        for (at, record) in unit.records.iter().enumerate() {
            let key = (unit.exercise, record.test.as_str());
            places.entry(key).or_insert((exercises[unit.exercise], at));
        }
    }
    places
}

/// What most submissions share.
pub(super) struct MostCommon<K> {
    /// The first of them, each with its number of submissions. Those with the same number are in the order of the course.
    pub(super) shown: Vec<(K, usize)>,
    /// How many more there are.
    pub(super) more: usize,
}

/// Counts the submissions that share what `key` makes of a failure.
fn most_common<'a, K: Ord>(
    records: &'a [Record],
    key: impl Fn(&'a Record) -> Option<K>,
) -> MostCommon<K> {
    let places = places(records);
    let mut who: BTreeMap<K, (Place, BTreeSet<&str>)> = BTreeMap::new();
    for record in records.iter().filter(|record| is_failure(record)) {
        let Some(key) = key(record) else { continue };
        let place = places[&(record.exercise.as_str(), record.test.as_str())];
        let (first, who) = who.entry(key).or_insert((place, BTreeSet::new()));
        *first = place.min(*first);
        who.insert(&record.submission);
    }
    let counted = who.into_iter();
    let mut counted: Vec<_> = counted
        .map(|(key, (place, who))| (Reverse(who.len()), place, key))
        .collect();
    counted.sort();
    let more = counted.len().saturating_sub(MOST);
    let shown = counted.into_iter().take(MOST);
    MostCommon {
        shown: shown.map(|(Reverse(count), _, key)| (key, count)).collect(),
        more,
    }
}

/// Ends a table, and says how many rows it leaves out.
fn end(page: &mut String, more: usize) {
    *page += END;
    if more > 0 {
        let _ = writeln!(page, "<p>… and {more} more</p>");
    }
}

fn tests(page: &mut String, records: &[Record]) {
    head(
        page,
        "Which tests fail most",
        &[Text("test"), Text("exercise"), Number("submissions")],
    );
    let common = most_common(records, |record| {
        Some((record.test.as_str(), record.exercise.as_str()))
    });
    for ((test, exercise), count) in common.shown {
        let (test, exercise) = (breakable(test), escaped(exercise));
        let _ = writeln!(
            page,
            "<tr><td>{test}</td><td>{exercise}</td><td class=\"n\">{count}</td></tr>"
        );
    }
    end(page, common.more);
}

/// What failures mean, and the section to read, with the number of submissions.
pub(super) fn most_misunderstood(records: &[Record]) -> MostCommon<(&str, &str)> {
    most_common(records, |record| {
        let section = record.section.as_deref().unwrap_or_default();
        Some((record.why.as_deref()?, section))
    })
}

fn misconceptions(page: &mut String, records: &[Record], book: Option<&str>) {
    begin_table(
        page,
        "Which misconceptions are most common",
        PROSE_TABLE,
        &[
            Text("what the failure means"),
            Text("read"),
            Number("submissions"),
        ],
    );
    let common = most_misunderstood(records);
    for ((why, section), count) in common.shown {
        let _ = writeln!(
            page,
            "<tr><td class=\"m\">{}</td><td>{}</td><td class=\"n\" data-of=\"submissions\">{count}</td></tr>",
            prose(why),
            link(section, book)
        );
    }
    end(page, common.more);
}

/// `memory/exercise.md#step` in the book that is at `book`.
pub(super) fn link(section: &str, book: Option<&str>) -> String {
    let text = escaped(section);
    match address(section, book) {
        Some(address) => format!("<a href=\"{address}\">{text}</a>"),
        None => text,
    }
}

/// Where a section is in the book that is at `book`: an address that can stand in an attribute.
pub(super) fn address(section: &str, book: Option<&str>) -> Option<String> {
    let (book, (page, anchor)) = (book?, section.split_once(".md")?);
    let is_web = book.starts_with("https://") || book.starts_with("http://");
    let address = format!("{}/{page}.html{anchor}", book.trim_end_matches('/'));
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | '\\');
    (is_web && address.chars().all(is_plain)).then(|| escaped(&address))
}

/// What ends a table that [`head`] began.
pub(super) const END: &str = "</table></div>\n";

/// Begins a table.
pub(super) fn head(page: &mut String, title: &str, columns: &[Column]) {
    begin_table(page, title, TABLE, columns);
}

fn begin_table(page: &mut String, title: &str, table: &str, columns: &[Column]) {
    let _ = write!(page, "<h2>{title}</h2>\n{table}<tr>");
    for column in columns {
        let _ = match column {
            Text(name) => write!(page, "<th>{name}</th>"),
            Number(name) => write!(page, "<th class=\"n\">{name}</th>"),
        };
    }
    *page += "</tr>\n";
}

/// What a learner saw, for a `pre`. Rows that are set in columns, such as those of a schedule, don't break: they scroll.
pub(super) fn message(text: &str) -> String {
    const INDENT: &str = "    ";
    let lines: Vec<_> = text.lines().collect();
    let groups = lines.chunk_by(|one, next| one.starts_with(INDENT) == next.starts_with(INDENT));
    let mut shown = String::new();
    for group in groups {
        // A block begins and ends its own lines.
        let rows = escaped(&group.join("\n"));
        match group[0].starts_with(INDENT) {
            true => shown = format!("{shown}<span class=\"r\">{rows}</span>"),
            false => shown += &rows,
        }
    }
    shown
}

/// The name of a test, which may break after its separators.
pub(super) fn breakable(name: &str) -> String {
    escaped(name)
        .replace("::", "::<wbr>")
        .replace('_', "_<wbr>")
}

/// A sentence, in which what stands between backticks is code.
pub(super) fn prose(text: &str) -> String {
    let text = escaped(text);
    let mut parts = text.split('`');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    while let Some(part) = parts.next() {
        // After the last backtick of an odd number of them there is no code.
        let _ = match (part, parts.next()) {
            ("", Some(after)) => write!(shown, "``{after}"),
            (code, Some(after)) => write!(shown, "<code>{code}</code>{after}"),
            (rest, None) => write!(shown, "`{rest}"),
        };
    }
    shown
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
