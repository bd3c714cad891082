//! What backs each fact of a chapter: `src/<slug>/evidence.toml` quotes it word for word and names the evidence, which must exist.
//!
//! | reference | must be |
//! |---|---|
//! | `record:M1` | `records/reference/M1.json` |
//! | `listing:fork.py` | a listing, `src/<slug>/fork.py` |
//! | `test:PATH`, `source:PATH` | a file of the course |
//! | `doc:https://…` | a page of documentation; that it says so is for people to check |

use super::{Findings, sentences::words};
use crate::course::{Chapter, Course};
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fact: Vec<Fact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    sentence: String,
    backed_by: Vec<String>,
}

/// Checks that each fact is one of the chapter's, is listed once, and is backed by something that exists.
pub(super) fn look(course: &Course, chapter: &Chapter, found: &mut Findings) {
    let slug = &chapter.slug;
    let place = format!("src/{slug}/evidence.toml");
    let Ok(text) = fs::read_to_string(course.root.join(&place)) else {
        found.problem(place, "is missing");
        return;
    };
    let facts = match toml::from_str::<File>(&text) {
        Ok(file) => file.fact,
        Err(error) => {
            found.problem(place, error.to_string().trim_end());
            return;
        }
    };
    if facts.is_empty() {
        found.problem(&place, "lists no fact");
    }
    let pages = [
        format!("src/{slug}.md"),
        format!("src/{slug}/exercise.md"),
        format!("src/{slug}/recall.toml"),
    ];
    let pages = pages.map(|page| {
        let text = fs::read_to_string(course.root.join(page)).unwrap_or_default();
        words(&text.replace("\\\"", "\""))
    });
    let mut seen = BTreeSet::new();
    for fact in &facts {
        let sentence = words(&fact.sentence);
        if !pages.iter().any(|page| page.contains(&sentence)) {
            found.problem(
                &place,
                format_args!("no page of the chapter says “{sentence}” (quote it word for word)"),
            );
        }
        if fact.backed_by.is_empty() {
            found.problem(
                &place,
                format_args!("nothing backs “{sentence}” (name what does, or reword the sentence)"),
            );
        }
        for reference in &fact.backed_by {
            if let Err(why) = follow(course, slug, reference) {
                found.problem(&place, format_args!("“{sentence}”: `{reference}`: {why}"));
            }
        }
        if !seen.insert(sentence.clone()) {
            found.problem(&place, format_args!("lists “{sentence}” twice"));
        }
    }
}

fn follow(course: &Course, slug: &str, reference: &str) -> Result<(), String> {
    let is_there = |path: String| match course.root.join(&path).is_file() {
        true => Ok(()),
        false => Err(format!("there is no {path}")),
    };
    match reference.split_once(':') {
        Some(("record", claim)) => is_there(format!("records/reference/{claim}.json")),
        Some(("listing", file)) => is_there(format!("src/{slug}/{file}")),
        Some(("test" | "source", path)) => is_there(path.to_owned()),
        Some(("doc", page)) if page.starts_with("https://") => Ok(()),
        _ => Err(
            "is no reference (there are record:CLAIM, listing:FILE, test:PATH, source:PATH and doc:https://…)"
                .to_owned(),
        ),
    }
}
