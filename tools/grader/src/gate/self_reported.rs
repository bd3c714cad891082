//! The list of self-reported tests, `tests/<slug>/self_reported.toml`: names tests that exist, each once, and leaves out no step
//! whose tests use what only the subject can say.

use super::Findings;
use crate::course::{Chapter, Course};
use std::{collections::BTreeSet, fs, path::Path};

/// What a step's tests use, and the kind that then has to list one of them.
const USES: [(&str, &[&str]); 3] = [
    ("events", &["ledger::observe"]),
    ("schedules", &["explore(", "explore_schedules(", "replay("]),
    ("leftovers", &["leftovers::watch"]),
];

fn place(chapter: &Chapter) -> String {
    format!("tests/{}/self_reported.toml", chapter.slug)
}

/// Checks the list against the sources of the tests.
pub(super) fn look(course: &Course, chapter: &Chapter, found: &mut Findings) {
    for (kind, tests) in chapter.self_reported.kinds() {
        let mut seen = BTreeSet::new();
        for test in tests.iter().filter(|test| !seen.insert(*test)) {
            found.problem(
                place(chapter),
                format_args!("lists `{test}` twice under `{kind}`"),
            );
        }
        let uses = USES.iter().find(|(of, _)| *of == kind);
        for step in &chapter.steps {
            let source = source(&course.root.join("tests").join(&chapter.slug), step);
            let used = uses.and_then(|(_, uses)| uses.iter().find(|one| source.contains(**one)));
            let listed = tests
                .iter()
                .any(|test| test.starts_with(&format!("{step}::")));
            if let (Some(used), false) = (used, listed) {
                found.problem(
                    place(chapter),
                    format_args!(
                        "lists no test of `{step}` under `{kind}`, and its tests call `{used}` (which of them rest on it?)"
                    ),
                );
            }
        }
    }
}

/// Checks that every test on the list exists.
pub(super) fn judge(chapter: &Chapter, tests: &[String], found: &mut Findings) {
    for (kind, listed) in chapter.self_reported.kinds() {
        for test in listed.iter().filter(|test| !tests.contains(test)) {
            found.problem(
                place(chapter),
                format_args!("lists `{test}` under `{kind}`, and there is no such test"),
            );
        }
    }
}

/// The sources of a step's tests: its file, and those in the folder of its name.
fn source(folder: &Path, step: &str) -> String {
    let mut text = String::new();
    for base in [folder.to_owned(), folder.join("src")] {
        text += &fs::read_to_string(base.join(format!("{step}.rs"))).unwrap_or_default();
        for name in super::places::names(&base.join(step)) {
            text += &fs::read_to_string(base.join(step).join(name)).unwrap_or_default();
        }
    }
    text
}
