//! Lets the search find `fcntl.flock` by `flock`.
//!
//! mdBook's index splits at blanks and hyphens only, and its search finds beginnings of words. So the last part of a dotted
//! name follows it once in a section, hidden: browsers and screen readers leave it out, the index takes it in.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

/// `text`, with the words that the search lacks.
pub fn with_parts_of_names(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    let mut known = BTreeSet::new();
    let mut in_heading = false; // a heading's words make its address
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                known.clear();
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Code(code) if !in_heading => {
                if let Some(part) = last_part(&code)
                    && known.insert(part.to_owned())
                {
                    shown.push_str(&text[done..range.end]);
                    shown.push_str(&format!("<span hidden> {part}</span>"));
                    done = range.end;
                }
            }
            _ => {}
        }
    }
    shown.push_str(&text[done..]);
    shown
}

/// `flock` of `fcntl.flock` and of `fcntl.flock(file)`; nothing for a file's name or a number.
fn last_part(code: &str) -> Option<&str> {
    let name = code.split('(').next().unwrap_or(code);
    let (before, part) = name.rsplit_once('.')?;
    let is_name = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    (part.len() > 2 && is_name(part) && before.split('.').all(is_name)).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_dotted_name_follows_once_in_a_section() {
        assert_eq!(
            with_parts_of_names(
                "Take `fcntl.flock`, or `fcntl.flock(f)`.\n\n## More\n\n| `gc.freeze()` |\n|--|\n"
            ),
            "Take `fcntl.flock`<span hidden> flock</span>, or `fcntl.flock(f)`.\n\n## More\n\n| `gc.freeze()`<span hidden> freeze</span> |\n|--|\n"
        );
    }

    #[test]
    fn headings_files_numbers_and_blocks_stay() {
        for text in [
            "## `gc.freeze`\n",
            "`lib.rs`, `3.15`, `a += 1.`, `src/x.py`, `...`\n",
            "```python\ngc.freeze()\n```\n",
        ] {
            assert_eq!(with_parts_of_names(text), text);
        }
    }
}
