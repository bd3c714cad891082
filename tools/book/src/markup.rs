//! Finds directives in the Markdown of a chapter, and shapes what takes their place.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A directive in the text of a chapter.
pub struct Found<'t> {
    pub range: Range<usize>,
    pub name: &'t str,
    pub argument: &'t str,
    /// Whether its braces close.
    pub is_closed: bool,
}

/// Every `{{#name argument}}` that no backslash escapes. The braces should close on the same line.
pub fn find(text: &str) -> impl Iterator<Item = Found<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text[from..].find("{{")?;
            from = start + "{{".len();
            let line = text[from..].lines().next().unwrap_or_default();
            let Some(body) = line
                .trim_start()
                .strip_prefix('#')
                .filter(|_| !text[..start].ends_with('\\'))
            else {
                continue;
            };
            let length = body.find("}}");
            let body = &body[..length.unwrap_or(body.len())];
            if length.is_some() {
                from = start + text[start..].find("}}").unwrap_or_default() + "}}".len();
            }
            let body = body.trim();
            let (name, argument) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
            return Some(Found {
                range: start..from,
                name,
                argument: argument.trim(),
                is_closed: length.is_some(),
            });
        }
    })
}

/// Where the text is code or comment, so that what looks like a directive is none.
pub fn literal_ranges(text: &str) -> Vec<Range<usize>> {
    code(text).literal
}

/// Where a fenced code block begins that no fence ends; the first one.
pub fn unclosed_block(text: &str) -> Option<usize> {
    code(text).unclosed
}

#[derive(Default)]
struct Code {
    literal: Vec<Range<usize>>,
    unclosed: Option<usize>,
}

fn code(text: &str) -> Code {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let mut found = Code::default();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) = &event
            && !is_closed(&text[range.clone()])
        {
            found.unclosed = found.unclosed.or(Some(range.start));
        }
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info)))
                if info.split_whitespace().next() == Some("admonish") =>
            {
                // Its body is Markdown, which mdbook-admonish unwraps after us.
                let block = &text[range.clone()];
                let body = block.find('\n').map_or(block.len(), |end| end + 1);
                let start = range.start + body;
                found.literal.push(range.start..start);
                let inside = code(without_last_line(&block[body..]));
                let inner = inside.literal.into_iter();
                found
                    .literal
                    .extend(inner.map(|inner| start + inner.start..start + inner.end));
                found.unclosed = found.unclosed.or(inside.unclosed.map(|at| start + at));
            }
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => found.literal.push(range),
            Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_)
                if text[range.clone()].trim_start().starts_with("<!--") =>
            {
                found.literal.push(range)
            }
            _ => {}
        }
    }
    found
}

/// Whether the last line of a fenced block is the fence that closes it. Markdown also ends such a block with the
/// quote or list that it stands in, or with the page, which is never meant.
fn is_closed(block: &str) -> bool {
    let mut lines = block.lines();
    let opening = lines.next().unwrap_or_default().trim_start();
    let mark = opening.chars().next().unwrap_or('`');
    let length = opening.chars().take_while(|&c| c == mark).count();
    let last = lines.next_back().unwrap_or_default();
    let last = last.trim_start_matches([' ', '\t', '>']).trim_end();
    last.chars().count() >= length && last.chars().all(|c| c == mark)
}

/// A fenced block without the fence that closes it.
fn without_last_line(body: &str) -> &str {
    let body = body.strip_suffix('\n').unwrap_or(body);
    body.rfind('\n').map_or("", |end| &body[..end])
}

/// The blanks before a directive that is alone on its line.
pub fn alone_on_its_line<'t>(text: &'t str, found: &Found<'_>) -> Result<&'t str, String> {
    let line_start = text[..found.range.start]
        .rfind('\n')
        .map_or(0, |end| end + 1);
    let before = &text[line_start..found.range.start];
    let after = text[found.range.end..].lines().next().unwrap_or_default();
    if before.trim().is_empty() && after.trim().is_empty() {
        Ok(before)
    } else {
        Err(format!(
            "{{{{#{} {}}}}} must stand alone on its line (move it to one of its own)",
            found.name, found.argument
        ))
    }
}

/// `block` between blank lines, each line as deep as the directive stood, so that it stays in its list.
pub fn as_block(block: &str, indent: &str) -> String {
    let mut lines = String::new();
    for line in block.lines() {
        lines.push('\n');
        if !line.is_empty() {
            lines.push_str(indent);
            lines.push_str(line);
        }
    }
    lines.push('\n');
    lines
}

/// `text` as HTML shows it, in an element or an attribute.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The line of `text` that holds the byte `at`, from 1.
pub fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The page's way back to the top folder of the site.
pub fn to_top(chapter: &Path) -> String {
    let depth = chapter
        .parent()
        .map_or(0, |parent| parent.components().count());
    PathBuf::from("../".repeat(depth))
        .to_string_lossy()
        .into_owned()
}
