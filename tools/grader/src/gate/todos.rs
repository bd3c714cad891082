//! What an author has still to write: every `TODO` in a chapter's places, as `cargo course new chapter` leaves them.

use super::{Findings, shipped};
use crate::course::{Chapter, Course};
use std::{fs, path::PathBuf};

/// Names each line with a `TODO` in the files of a chapter.
pub(super) fn look(course: &Course, chapter: &Chapter, found: &mut Findings) {
    let slug = &chapter.slug;
    let mut files: Vec<PathBuf> = [
        format!("src/{slug}.md"),
        format!("exercises/{slug}/hints.md"),
        format!("tests/{slug}.rs"),
        format!("tests/benches/{slug}.rs"),
    ]
    .map(PathBuf::from)
    .into();
    // Not the learner's own files: what is to be done there is theirs.
    for kind in ["src", "solutions", "tests", "tests/starters", "tests/wrong"] {
        let folder = PathBuf::from(kind).join(slug);
        let inside = shipped::walk(&course.root.join(&folder)).unwrap_or_default();
        files.extend(inside.into_keys().map(|path| folder.join(path)));
    }
    for file in files {
        // A picture is no text, and a missing file is told elsewhere.
        let text = fs::read_to_string(course.root.join(&file)).unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some((_, what)) = line.split_once("TODO:") {
                let place = format!("{}:{number}", file.display());
                found.problem(place, format_args!("to do: {}", what.trim()));
            }
        }
    }
}
