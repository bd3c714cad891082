//! A page for each learner: marks, what failed and what that means, with links into the book. Nobody else is named on it.

use super::{
    Marks, Unit,
    html::{self, Column, breakable, escaped, link, message, prose},
    units,
};
use crate::{grade::Record, runner::Status};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// The pages, each with its file name.
#[must_use]
pub fn feedback(records: &[Record], book: Option<&str>) -> BTreeMap<String, String> {
    let mut people: BTreeMap<&str, Vec<Unit<'_>>> = BTreeMap::new();
    for unit in units(records) {
        people.entry(unit.submission).or_default().push(unit);
    }
    let mut seen = BTreeMap::<String, usize>::new();
    for name in people.keys() {
        *seen.entry(plain(name).to_lowercase()).or_default() += 1;
    }
    let pages = people.iter().map(|(name, units)| {
        let plain = plain(name);
        // Where two names would be one file, on a disk that ignores case, too, a digest tells them apart.
        let is_own = plain == *name && seen[&plain.to_lowercase()] == 1;
        let file = match is_own {
            true => format!("{plain}.html"),
            false => format!("{plain}-{}.html", digest(name)),
        };
        (file, page(name, units, book))
    });
    pages.collect()
}

/// A name that every file system takes and no shell or web server misunderstands.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let all = name.chars().take(80);
    let text: String = all.map(|c| if is_plain(c) { c } else { '_' }).collect();
    match text.trim_start_matches(['.', '-']) {
        "" => "submission".to_owned(),
        text => text.to_owned(),
    }
}

fn digest(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn page(name: &str, units: &[Unit<'_>], book: Option<&str>) -> String {
    let mut page = html::begin(&format!("Feedback for {name}"));
    let all: Marks = units.iter().map(Unit::marks).sum();
    let _ = writeln!(page, "<p>Marks: <strong>{all}</strong></p>");
    if all.open > 0.0 {
        page += "<p>Points that are open could not be judged, for a reason that isn't yours. They are not lost.</p>\n";
    }
    let commits = units.iter().flat_map(|unit| &unit.records);
    if let Some(commit) = commits.filter_map(|record| record.commit.as_ref()).next() {
        let _ = writeln!(
            page,
            "<p>Judged: commit <code>{}</code>, dated {} by its committer.</p>",
            escaped(&commit.id),
            escaped(&commit.committer_date)
        );
    }
    for unit in units {
        exercise(&mut page, unit, book);
    }
    page + "</body></html>\n"
}

fn exercise(page: &mut String, unit: &Unit<'_>, book: Option<&str>) {
    if unit.is_whole() {
        let _ = writeln!(page, "<h2>Submission: {}</h2>", unit.marks());
    } else {
        steps(page, unit);
    }
    let failed = unit
        .records
        .iter()
        .filter(|record| html::is_failure(record));
    let mut failed: Vec<_> = failed.map(|record| record.step.as_str()).collect();
    failed.dedup();
    if let [first, _, ..] = failed[..] {
        let _ = writeln!(
            page,
            "<p>Mend <code>{}</code> first: a later step can fail because of an earlier one.</p>",
            escaped(first)
        );
    }
    let mut shown = BTreeSet::new();
    for record in &unit.records {
        // What failed as a whole, such as to compile, is the same for every test.
        let is_new = shown.insert((record.status, &record.message, &record.why));
        if record.status != Status::Passed && is_new {
            failure(page, record, book);
        }
    }
}

fn steps(page: &mut String, unit: &Unit<'_>) {
    let marks = unit.marks();
    html::head(
        page,
        &format!("{}: {marks}", escaped(unit.exercise)),
        &[
            Column::Text("step"),
            Column::Number("passed"),
            Column::Number("marks"),
        ],
    );
    let mut seen = BTreeSet::new();
    for first in &unit.records {
        if !seen.insert(&first.step) {
            continue;
        }
        let mine = || {
            unit.records
                .iter()
                .filter(|record| record.step == first.step)
        };
        let step = match first.step.as_str() {
            "" => "all",
            step => step,
        };
        let passed = mine().filter(|record| record.status == Status::Passed);
        let marks: Marks = mine().map(|record| Marks::of(record)).sum();
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"n\">{}/{}</td><td class=\"n\">{marks}</td></tr>",
            escaped(step),
            passed.count(),
            mine().count()
        );
    }
    *page += html::END;
}

fn failure(page: &mut String, record: &Record, book: Option<&str>) {
    let what = match record.status {
        Status::CompileError | Status::CompileTimeout | Status::Rejected => "",
        _ => record.test.as_str(),
    };
    let _ = writeln!(
        page,
        "<h3>{} {}</h3>\n<pre>{}</pre>",
        breakable(what),
        record.status,
        message(&record.message)
    );
    if let Some(why) = &record.why {
        let _ = writeln!(page, "<p>{}</p>", prose(why));
    }
    if let Some(section) = &record.section {
        let _ = writeln!(page, "<p>Read: {}</p>", link(section, book));
    }
}
