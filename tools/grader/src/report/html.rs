//! One page for the instructor: who is where, which test fails most, which misconception is most common.

use super::{Unit, units};
use crate::{grade::Record, runner::Status};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem;border-bottom:1px solid #ccc;text-align:left;\
    vertical-align:top}td.n{text-align:right}pre{white-space:pre-wrap;overflow-wrap:anywhere}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}";

/// How many tests and misconceptions are listed.
const MOST: usize = 12;

/// The page. `book` is where the book is, for links to its sections.
#[must_use]
pub fn html(records: &[Record], book: Option<&str>) -> String {
    let units = units(records);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Results</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>Results</h1>\n"
    );
    summary(&mut page, &units);
    who_is_where(&mut page, &units);
    tests(&mut page, records);
    misconceptions(&mut page, records, book);
    page + "</body></html>\n"
}

fn summary(page: &mut String, units: &[Unit<'_>]) {
    let people: BTreeSet<_> = units.iter().map(|unit| unit.submission).collect();
    let full = units.iter().filter(|unit| unit.worst() == Status::Passed);
    let open = units.iter().filter(|unit| unit.unjudged() > 0);
    let _ = writeln!(
        page,
        "<p>{} submissions, {} exercises: {} passed every test, {} could not be judged in full.</p>",
        people.len(),
        units.len(),
        full.count(),
        open.count()
    );
}

fn who_is_where(page: &mut String, units: &[Unit<'_>]) {
    head(
        page,
        "Who is where",
        &["submission", "exercise", "passed", "worst", "first message"],
    );
    for unit in units {
        let open = if unit.unjudged() > 0 { "?" } else { "" };
        let first = unit
            .records
            .iter()
            .find(|record| record.status != Status::Passed);
        let first = first.and_then(|record| record.message.lines().next());
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}/{}{open}</td><td>{}</td><td>{}</td></tr>",
            escaped(unit.submission),
            escaped(unit.exercise),
            unit.passed(),
            unit.judged(),
            unit.worst(),
            escaped(first.unwrap_or_default())
        );
    }
    *page += "</table>\n";
}

/// The records of tests that ran and did not pass.
fn failures(records: &[Record]) -> impl Iterator<Item = &Record> {
    let ran = |record: &&Record| {
        !matches!(
            record.status,
            Status::Passed | Status::CompileError | Status::CompileTimeout | Status::Rejected
        ) && record.status.is_verdict()
    };
    records.iter().filter(ran)
}

/// The keys that most submissions share, with their number.
fn most_common<K: Ord>(found: impl Iterator<Item = (K, String)>) -> Vec<(K, usize)> {
    let mut who: BTreeMap<K, BTreeSet<String>> = BTreeMap::new();
    for (key, submission) in found {
        who.entry(key).or_default().insert(submission);
    }
    let mut counted: Vec<_> = who.into_iter().map(|(key, who)| (key, who.len())).collect();
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted.truncate(MOST);
    counted
}

fn tests(page: &mut String, records: &[Record]) {
    head(
        page,
        "Which tests fail most",
        &["test", "exercise", "submissions"],
    );
    let failed = failures(records).map(|record| {
        let key = (record.test.as_str(), record.exercise.as_str());
        (key, record.submission.clone())
    });
    for ((test, exercise), count) in most_common(failed) {
        let (test, exercise) = (escaped(test), escaped(exercise));
        let _ = writeln!(
            page,
            "<tr><td>{test}</td><td>{exercise}</td><td class=\"n\">{count}</td></tr>"
        );
    }
    *page += "</table>\n";
}

fn misconceptions(page: &mut String, records: &[Record], book: Option<&str>) {
    head(
        page,
        "Which misconceptions are most common",
        &["what the failure means", "read", "submissions"],
    );
    let meant = failures(records).filter_map(|record| {
        let key = (
            record.why.as_deref()?,
            record.section.as_deref().unwrap_or_default(),
        );
        Some((key, record.submission.clone()))
    });
    for ((why, section), count) in most_common(meant) {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{count}</td></tr>",
            escaped(why),
            link(section, book)
        );
    }
    *page += "</table>\n";
}

/// `memory/exercise.md#step` in the book that is at `book`.
fn link(section: &str, book: Option<&str>) -> String {
    let text = escaped(section);
    let (Some(book), Some((page, anchor))) = (book, section.split_once(".md")) else {
        return text;
    };
    if !(book.starts_with("https://") || book.starts_with("http://")) {
        return text;
    }
    let address = format!("{}/{page}.html{anchor}", book.trim_end_matches('/'));
    format!("<a href=\"{}\">{text}</a>", escaped(&address))
}

fn head(page: &mut String, title: &str, columns: &[&str]) {
    let _ = writeln!(
        page,
        "<h2>{title}</h2>\n<table><tr><th>{}</th></tr>",
        columns.join("</th><th>")
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
