//! The table sentence → test: every promise of the specification that a test holds, and every test with the promise it holds.
//!
//! `tests/<slug>/sentences.md` has a Markdown table. The first cell of a row quotes a sentence, word for word, from a doc
//! comment of the exercise or from one of the chapter's pages; the last names tests in backticks, as
//! `` `step::test` ``. A `|` within a sentence is written `\|`.

use super::Findings;
use crate::course::{Chapter, Course};
use std::{collections::BTreeSet, fs, path::Path};

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) sentence: String,
    pub(super) tests: Vec<String>,
}

/// Where a chapter's table stands, from the root of the course.
fn place(chapter: &Chapter) -> String {
    format!("tests/{}/sentences.md", chapter.slug)
}

/// Reads a chapter's table; `None` if there is none.
fn read(course: &Course, chapter: &Chapter) -> Option<Vec<Row>> {
    let text = fs::read_to_string(course.root.join(place(chapter))).ok()?;
    Some(parse(&text))
}

fn parse(text: &str) -> Vec<Row> {
    let rows = text.lines().filter_map(|line| {
        let line = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        let (sentence, tests) = line.rsplit_once(" | ").or_else(|| line.rsplit_once('|'))?;
        let tests: Vec<_> = tests
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        // The heading of the table and the line of dashes below it name no test.
        let is_rule = sentence.chars().all(|c| matches!(c, '-' | ' ' | ':' | '|'));
        let is_heading = tests.is_empty() && sentence.trim().eq_ignore_ascii_case("sentence");
        (!is_rule && !is_heading).then(|| Row {
            sentence: words(&sentence.replace("\\|", "|")),
            tests,
        })
    });
    rows.collect()
}

/// Checks that each sentence is one of the specification's.
pub(super) fn look(course: &Course, chapter: &Chapter, found: &mut Findings) {
    let Some(rows) = read(course, chapter) else {
        found.problem(place(chapter), "is missing");
        return;
    };
    let specification = specification(course, chapter);
    let mut seen = BTreeSet::new();
    for row in &rows {
        let sentence = &row.sentence;
        if !specification.contains(sentence.as_str()) {
            found.problem(
                place(chapter),
                format_args!("no page and no doc comment of the exercise says “{sentence}” (quote it word for word)"),
            );
        }
        if row.tests.is_empty() {
            found.problem(
                place(chapter),
                format_args!("no test holds “{sentence}” (name one, or reword the sentence)"),
            );
        }
        if !seen.insert(sentence) {
            found.problem(place(chapter), format_args!("quotes “{sentence}” twice"));
        }
    }
}

/// Checks that the tests of the table and those of the chapter are the same.
pub(super) fn judge(course: &Course, chapter: &Chapter, tests: &[String], found: &mut Findings) {
    let Some(rows) = read(course, chapter) else {
        return;
    };
    let named: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.tests.iter().map(String::as_str))
        .collect();
    let known: BTreeSet<&str> = tests.iter().map(String::as_str).collect();
    for test in named.difference(&known) {
        found.problem(
            place(chapter),
            format_args!("names `{test}`, and there is no such test"),
        );
    }
    for test in known.difference(&named) {
        found.problem(
            place(chapter),
            format_args!("no sentence is held by `{test}` (which promise does it test?)"),
        );
    }
}

/// All that the course says of the exercise, with single spaces: the chapter's pages and the starter's doc comments.
fn specification(course: &Course, chapter: &Chapter) -> String {
    let slug = &chapter.slug;
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut all = String::new();
    for page in [format!("src/{slug}.md"), format!("src/{slug}/exercise.md")] {
        all.push_str(&words(&text(&course.root.join(page))));
        all.push('\n');
    }
    let starters = course.root.join("tests/starters").join(slug);
    for name in super::places::names(&starters) {
        all.push_str(&words(&doc_comments(&text(&starters.join(name)))));
        all.push('\n');
    }
    all
}

/// The text of the doc comments, without their slashes.
fn doc_comments(source: &str) -> String {
    let lines = source.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The words of a text with single spaces between them.
pub(super) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_the_tables_own_lines_are_not() {
        let rows = parse(
            "# Table\n\n| sentence | tests |\n|---|:---|\n| Adds  `n`. | `a::x`, `a::y` |\n| One \\| two | none |\ntext\n",
        );
        let row = |sentence: &str, tests: &[&str]| Row {
            sentence: sentence.to_owned(),
            tests: tests.iter().map(|&test| test.to_owned()).collect(),
        };
        assert_eq!(
            rows,
            [row("Adds `n`.", &["a::x", "a::y"]), row("One | two", &[])]
        );
    }

    #[test]
    fn doc_comments_are_joined_across_lines() {
        let source = "//! Step.\n\nuse a; // no\n    /// Adds `n`,\n    /// twice.\nfn f() {}\n";
        assert_eq!(words(&doc_comments(source)), "Step. Adds `n`, twice.");
    }
}
