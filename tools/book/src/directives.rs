//! Our directives: `{{#listing FILE}}`, `{{#chart CLAIM}}` and `{{#figure PATH}}` become a program with its output,
//! a chart, and a measured figure.
//!
//! - A listing and a chart stand alone on their line; a figure stands in a sentence.
//! - Code is left as it is, except inside an `admonish` block. `\{{#…}}` is left as it is too.
//! - What cannot be carried out is an error that names the chapter, the line and the thing. This holds for mdBook's
//!   own directives as well: mdBook ships the raw text when an included file is missing, and nothing at all when an
//!   anchor is.

use crate::{Error, listing};
use anyhow::Result;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext, book::Book};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The name in `book.toml`.
pub const NAME: &str = "directives";

/// Where charts and figures come from. Each function gets the folder of the book and what stands in the directive,
/// and returns HTML (a chart) or plain text (a figure), or one line on what is wrong and how to mend it.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// Draws the chart of a claim.
    pub chart: fn(root: &Path, claim: &str) -> Result<String, String>,
    /// Words a measured figure.
    pub figure: fn(root: &Path, path: &str) -> Result<String, String>,
}

/// The preprocessor that carries the directives out.
pub struct Directives {
    evidence: Evidence,
}

impl Directives {
    /// Directives whose charts and figures come from `evidence`.
    pub fn new(evidence: Evidence) -> Self {
        Self { evidence }
    }
}

impl Preprocessor for Directives {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut done = Ok(());
        book.for_each_chapter_mut(|chapter| {
            // A draft has no file.
            if let (Ok(()), Some(path)) = (&done, &chapter.source_path) {
                let page = Page {
                    root: &context.root,
                    src: &context.root.join(&context.config.book.src),
                    chapter: path,
                };
                match page.expand(&chapter.content, &self.evidence) {
                    Ok(text) => chapter.content = text,
                    Err(error) => done = Err(error),
                }
            }
        });
        done?;
        Ok(book)
    }

    /// We write HTML.
    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }
}

/// The chapter that is being expanded.
struct Page<'a> {
    /// The folder of the book.
    root: &'a Path,
    /// The folder of the chapters.
    src: &'a Path,
    /// The chapter's file, relative to `src`.
    chapter: &'a Path,
}

impl Page<'_> {
    fn expand(&self, text: &str, evidence: &Evidence) -> Result<String, Error> {
        let literal = literal_ranges(text);
        let mut expanded = String::with_capacity(text.len());
        let mut done = 0;
        for found in find(text) {
            let place = found.range.clone();
            let is_literal = literal.iter().any(|range| range.contains(&place.start));
            let new = self
                .carry_out(text, &found, is_literal, evidence)
                .map_err(|what| Error::Directive {
                    chapter: self.chapter.to_owned(),
                    line: text[..place.start].matches('\n').count() + 1,
                    what,
                })?;
            if let Some(new) = new {
                expanded.push_str(&text[done..place.start]);
                expanded.push_str(&new);
                done = place.end;
            }
        }
        expanded.push_str(&text[done..]);
        Ok(expanded)
    }

    /// What takes the place of the directive; nothing if it stays for mdBook, or as it is.
    fn carry_out(
        &self,
        text: &str,
        found: &Found<'_>,
        is_literal: bool,
        evidence: &Evidence,
    ) -> Result<Option<String>, String> {
        let Found { name, argument, .. } = *found;
        match name {
            "include" | "rustdoc_include" | "playground" => {
                // These work inside code as well: that is what they are for.
                self.check_include(name, argument)?;
                return Ok(None);
            }
            "title" => return Ok(None),
            _ if is_literal => return Ok(None),
            "listing" | "chart" | "figure" if argument.is_empty() => {
                return Err(format!(
                    "{{{{#{name}}}}} needs an argument (as in {})",
                    example(name)
                ));
            }
            _ => {}
        }
        match name {
            "listing" => {
                let indent = alone_on_its_line(text, found)?;
                let shown = listing::show(self.src, self.chapter, argument)?;
                Ok(Some(as_block(&shown, indent)))
            }
            "chart" => {
                let indent = alone_on_its_line(text, found)?;
                let chart = (evidence.chart)(self.root, argument)
                    .map_err(|what| format!("{{{{#chart {argument}}}}}: {what}"))?;
                // To Markdown, a blank line ends a block of HTML.
                let chart: Vec<_> = chart
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .collect();
                Ok(Some(as_block(&chart.join("\n"), indent)))
            }
            "figure" => {
                let figure = (evidence.figure)(self.root, argument)
                    .map_err(|what| format!("{{{{#figure {argument}}}}}: {what}"))?;
                let (figure, source) = (escape(figure.trim()), escape(argument));
                Ok(Some(format!(
                    "<span class=\"measured\" title=\"measured: {source}\">{figure}</span>"
                )))
            }
            _ => Err(format!(
                "no directive is called {{{{#{name}}}}} (there are listing, chart and figure, and mdBook's include, rustdoc_include, playground and title; \\{{{{#…}}}} shows the braces)"
            )),
        }
    }

    fn check_include(&self, name: &str, argument: &str) -> Result<(), String> {
        let target = argument.split_whitespace().next().unwrap_or_default();
        let (file, part) = target.split_once(':').unwrap_or((target, ""));
        let path = self
            .src
            .join(self.chapter.parent().unwrap_or(Path::new("")))
            .join(file);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            format!(
                "{{{{#{name} {argument}}}}}: {}: {error} (the path starts at the chapter's folder)",
                path.display()
            )
        })?;
        let anchor = part.split(':').next().unwrap_or_default();
        if anchor.is_empty() || anchor.parse::<usize>().is_ok() {
            return Ok(());
        }
        let is_marked = text
            .lines()
            .filter_map(|line| line.split_once("ANCHOR:"))
            .any(|(_, name)| {
                let name = name.trim_start();
                name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                    .next()
                    == Some(anchor)
            });
        if is_marked {
            Ok(())
        } else {
            Err(format!(
                "{{{{#{name} {argument}}}}}: the file has no line with `ANCHOR: {anchor}` (mark the part to include)"
            ))
        }
    }
}

/// A directive in the text of a chapter.
struct Found<'t> {
    range: Range<usize>,
    name: &'t str,
    argument: &'t str,
}

/// Every `{{#name argument}}` that no backslash escapes. The braces close on the same line.
fn find(text: &str) -> impl Iterator<Item = Found<'_>> {
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
            let Some(length) = body.find("}}") else {
                continue;
            };
            let body = &body[..length];
            from = start + text[start..].find("}}").unwrap_or_default() + "}}".len();
            let body = body.trim();
            let (name, argument) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
            return Some(Found {
                range: start..from,
                name,
                argument: argument.trim(),
            });
        }
    })
}

/// Where the text is code or comment, so that what looks like a directive is none.
fn literal_ranges(text: &str) -> Vec<Range<usize>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let mut ranges = Vec::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info)))
                if info.split_whitespace().next() == Some("admonish") =>
            {
                // Its body is Markdown, which mdbook-admonish unwraps after us.
                let block = &text[range.clone()];
                let body = block.find('\n').map_or(block.len(), |end| end + 1);
                let start = range.start + body;
                ranges.push(range.start..start);
                ranges.extend(
                    literal_ranges(without_last_line(&block[body..]))
                        .into_iter()
                        .map(|inner| start + inner.start..start + inner.end),
                );
            }
            Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => ranges.push(range),
            Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_)
                if text[range.clone()].trim_start().starts_with("<!--") =>
            {
                ranges.push(range)
            }
            _ => {}
        }
    }
    ranges
}

/// A fenced block without the fence that closes it.
fn without_last_line(body: &str) -> &str {
    let body = body.strip_suffix('\n').unwrap_or(body);
    body.rfind('\n').map_or("", |end| &body[..end])
}

/// The blanks before a directive that is alone on its line.
fn alone_on_its_line<'t>(text: &'t str, found: &Found<'_>) -> Result<&'t str, String> {
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
fn as_block(block: &str, indent: &str) -> String {
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

fn example(name: &str) -> &'static str {
    match name {
        "listing" => "{{#listing memory/copy_on_write.py}}",
        "chart" => "{{#chart M1}}",
        _ => "{{#figure M1/…}}",
    }
}

/// `text` as HTML shows it, in an element or an attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page's way back to the top folder of the site.
pub(crate) fn to_top(chapter: &Path) -> String {
    let depth = chapter
        .parent()
        .map_or(0, |parent| parent.components().count());
    PathBuf::from("../".repeat(depth))
        .to_string_lossy()
        .into_owned()
}
