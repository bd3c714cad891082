//! The headings of a page, with the ids that mdBook gives them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::HashSet;

/// A heading of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// From 1 to 6.
    pub level: u8,
    /// Its text, without markup.
    pub title: String,
    /// The id that mdBook 0.5 gives it.
    pub id: String,
    /// Its line, from 1.
    pub line: usize,
    /// Whether no text follows before the next heading.
    pub is_empty: bool,
}

/// The headings of a Markdown text, in order.
///
/// They are read with mdBook's own parser and options, and named by its rule: lower case, white space as `-`, other
/// than letters, digits, `_` and `-` left out, a repeated one numbered. An id given as `{#id}` is taken as it stands
/// and, as in mdBook, counts for no repetition.
#[must_use]
pub fn headings(text: &str) -> Vec<Heading> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM;
    let mut found: Vec<Heading> = Vec::new();
    let mut used = HashSet::new();
    let mut open: Option<Heading> = None;
    let mut term: Option<String> = None; // of a definition list, which gets an id too
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, id, .. }) => {
                open = Some(Heading {
                    level: level as u8,
                    title: String::new(),
                    id: id.map(|id| id.to_string()).unwrap_or_default(),
                    line: text[..range.start].matches('\n').count() + 1,
                    is_empty: true,
                });
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some(mut heading) = open.take() {
                    heading.title = heading.title.trim().to_owned();
                    if heading.id.is_empty() {
                        heading.id = unique_id(id_of(&heading.title), &mut used);
                    }
                    found.push(heading);
                }
            }
            Event::Start(Tag::DefinitionListTitle) => term = Some(String::new()),
            Event::End(TagEnd::DefinitionListTitle) => {
                let term = term.take().unwrap_or_default();
                unique_id(id_of(&term), &mut used);
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut open {
                    heading.title.push_str(&text);
                } else {
                    if let Some(term) = &mut term {
                        term.push_str(&text);
                    }
                    if let Some(last) = found.last_mut() {
                        last.is_empty = false;
                    }
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut open {
                    heading.title.push(' ');
                }
            }
            _ => {}
        }
    }
    found
}

fn id_of(title: &str) -> String {
    let title = title.trim().to_lowercase();
    let kept = title.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}

fn unique_id(id: String, used: &mut HashSet<String>) -> String {
    let numbered = (1..).map(|number| format!("{id}-{number}"));
    let free = std::iter::once(id.clone())
        .chain(numbered)
        .find(|id| !used.contains(id))
        .expect("some number is free");
    used.insert(free.clone());
    free
}

/// The lines of a Markdown text outside fenced code blocks, with their numbers from 1.
pub fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return true,
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // That mdBook gives the same ids is a test of `book`, which renders with it.

    #[test]
    fn headings_are_found_where_markdown_has_them() {
        let text = "# Who sees `my` *write*?\n\n```\n# no heading\n```\nSetext\n------\n\n## Same ##\n\ntext\n\n## Same\n### Named {#Same-1}\n## Same\n#none\n";
        let found: Vec<_> = headings(text)
            .into_iter()
            .map(|heading| (heading.line, heading.level, heading.id, heading.is_empty))
            .collect();
        let expected = [
            (1, 1, "who-sees-my-write", false),
            (6, 2, "setext", true),
            (9, 2, "same", false),
            (13, 2, "same-1", true),
            (14, 3, "Same-1", true),
            (15, 2, "same-2", false),
        ];
        let expected: Vec<_> = expected
            .map(|(line, level, id, is_empty)| (line, level, id.to_owned(), is_empty))
            .into();
        assert_eq!(found, expected);
    }
}
