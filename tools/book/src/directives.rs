//! Our directives: what stands in double braces in a chapter becomes HTML.
//!
//! | directive | becomes |
//! |---|---|
//! | `{{#listing FILE}}` | a program, and below it what it printed |
//! | `{{#listing FILE REGION}}` | the lines of it between `# region: REGION` and `# endregion`, the rest one press away |
//! | `{{#chart CLAIM}}` | the chart of a claim |
//! | `{{#figure PATH}}` | a measured figure, in a sentence |
//! | `{{#bench SLUG}}` | how a chapter's solution compares with other libraries, as a table |
//! | `{{#predict NAME}}` | a prediction of the chapter's `recall.toml`: asked, then graded (see [`crate::recall`]) |
//! | `{{#graded NAME}}` | optional: the prediction is graded here, not where it is asked |
//! | `{{#recall}}` | the recall questions of the chapter's `recall.toml` |
//! | `{{#picture FILE CAPTION}}` | an SVG inside the page, in the theme's colors; the caption is Markdown |
//! | `{{#legend}}` | what the colors and shapes of all figures mean |
//!
//! - All but a figure stand alone on their line.
//! - Code is left as it is, except inside an `admonish` block. `\{{#…}}` is left as it is too.
//! - What cannot be carried out is an error that names the chapter, the line and the thing. This holds for mdBook's
//!   own directives as well: mdBook ships the raw text when an included file is missing, and nothing at all when an
//!   anchor is.

use crate::markup::{
    Found, alone_on_its_line, as_block, escape, find, line_at, literal_ranges, unclosed_block,
};
use crate::questions::{self, Desk};
use crate::{Error, listing, picture, search, widgets};
use anyhow::Result;
use mdbook_preprocessor::{
    Preprocessor, PreprocessorContext,
    book::{Book, BookItem},
};
use std::path::Path;

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
    /// Draws the table of a chapter's benchmark against peers.
    pub peers: fn(root: &Path, slug: &str) -> Result<String, String>,
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
        let src = context.root.join(&context.config.book.src);
        let chapters = book.iter().filter_map(|item| match item {
            BookItem::Chapter(chapter) => {
                Some((chapter.source_path.as_deref()?, chapter.content.as_str()))
            }
            _ => None,
        });
        let desk = Desk::open(&src, chapters)?;
        let mut done = Ok(());
        book.for_each_chapter_mut(|chapter| {
            // A draft has no file.
            if let (Ok(()), Some(path)) = (&done, &chapter.source_path) {
                let page = Page {
                    root: &context.root,
                    src: &src,
                    chapter: path,
                    evidence: &self.evidence,
                    desk: &desk,
                };
                let expanded = page.expand(&chapter.content);
                let text = expanded.map(|text| search::with_parts_of_names(&text));
                match text.and_then(|text| widgets::with_their_files(&text, &src)) {
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
    evidence: &'a Evidence,
    desk: &'a Desk,
}

/// Why a directive could not be carried out.
enum Problem {
    /// Something that is wrong where the directive stands.
    Here(String),
    /// Something that is wrong in another file.
    Elsewhere(Error),
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self::Here(what)
    }
}

impl Page<'_> {
    fn expand(&self, text: &str) -> Result<String, Error> {
        let literal = literal_ranges(text);
        if let Some(offset) = unclosed_block(text) {
            let fence = text[offset..].lines().next().unwrap_or_default();
            return Err(Error::Directive {
                chapter: self.chapter.to_owned(),
                line: line_at(text, offset),
                what: format!("the code block `{fence}` is never closed (end it with its fence)"),
            });
        }
        let mut expanded = String::with_capacity(text.len());
        let mut done = 0;
        for found in find(text) {
            let place = found.range.clone();
            let is_literal = literal.iter().any(|range| range.contains(&place.start));
            let new =
                self.carry_out(text, &found, is_literal)
                    .map_err(|problem| match problem {
                        Problem::Here(what) => Error::Directive {
                            chapter: self.chapter.to_owned(),
                            line: line_at(text, place.start),
                            what,
                        },
                        Problem::Elsewhere(error) => error,
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
    ) -> Result<Option<String>, Problem> {
        let Found { name, argument, .. } = *found;
        match name {
            "include" | "rustdoc_include" | "playground" if found.is_closed => {
                // These work inside code as well: that is what they are for.
                self.check_include(name, argument)?;
                return Ok(None);
            }
            "title" if found.is_closed => return Ok(None),
            _ if is_literal => return Ok(None),
            _ if !found.is_closed => {
                return Err(Problem::Here(format!(
                    "{{{{#{name}: no `}}}}` closes it on this line (add it; \\{{{{#…}}}} shows the braces)"
                )));
            }
            "listing" | "chart" | "bench" | "figure" | "predict" | "graded" | "picture"
                if argument.is_empty() =>
            {
                return Err(format!(
                    "{{{{#{name}}}}} needs an argument (as in {})",
                    example(name)
                )
                .into());
            }
            _ => {}
        }
        match name {
            "listing" => {
                let indent = alone_on_its_line(text, found)?;
                let shown = listing::show(self.src, self.chapter, argument)?;
                Ok(Some(as_block(&shown, indent)))
            }
            "chart" => Ok(Some(self.drawn(text, found, self.evidence.chart)?)),
            "bench" => Ok(Some(self.drawn(text, found, self.evidence.peers)?)),
            "figure" => Ok(Some(self.figure(argument)?)),
            "picture" => {
                let indent = alone_on_its_line(text, found)?;
                Ok(Some(as_block(&picture::show(self.src, argument)?, indent)))
            }
            "legend" => {
                let indent = alone_on_its_line(text, found)?;
                Ok(Some(as_block(&picture::legend(), indent)))
            }
            _ if questions::NAMES.contains(&name) => {
                let indent = alone_on_its_line(text, found)?;
                let shown = self
                    .desk
                    .show(self.chapter, name, argument, &|text| {
                        self.only_figures(text)
                    })
                    .map_err(Problem::Elsewhere)?;
                Ok(Some(as_block(&shown, indent)))
            }
            _ => Err(Problem::Here(format!(
                "no directive is called {{{{#{name}}}}} (there are listing, chart, bench, figure, predict, graded, recall, picture and legend, and mdBook's include, rustdoc_include, playground and title; \\{{{{#…}}}} shows the braces)"
            ))),
        }
    }

    /// A block of HTML that `draw` makes of the argument.
    fn drawn(
        &self,
        text: &str,
        found: &Found<'_>,
        draw: fn(&Path, &str) -> Result<String, String>,
    ) -> Result<String, String> {
        let indent = alone_on_its_line(text, found)?;
        let Found { name, argument, .. } = found;
        let html = draw(self.root, argument)
            .map_err(|what| format!("{{{{#{name} {argument}}}}}: {what}"))?;
        // To Markdown, a blank line ends a block of HTML.
        let lines: Vec<_> = html
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        Ok(as_block(&lines.join("\n"), indent))
    }

    fn figure(&self, path: &str) -> Result<String, String> {
        let figure = (self.evidence.figure)(self.root, path)
            .map_err(|what| format!("{{{{#figure {path}}}}}: {what}"))?;
        let (figure, source) = (escape(figure.trim()), escape(path));
        Ok(format!(
            "<span class=\"measured\" title=\"measured: {source}\">{figure}</span>"
        ))
    }

    /// Carries out the figures in a text that may hold no other directive.
    fn only_figures(&self, text: &str) -> Result<String, String> {
        let literal = literal_ranges(text);
        let mut expanded = String::with_capacity(text.len());
        let mut done = 0;
        for found in find(text) {
            if literal
                .iter()
                .any(|range| range.contains(&found.range.start))
            {
                continue;
            }
            if !found.is_closed {
                return Err(format!(
                    "{{{{#{}: no `}}}}` closes it on this line",
                    found.name
                ));
            }
            if found.name != "figure" {
                return Err(format!(
                    "{{{{#{}}}}} cannot stand here (only {{{{#figure …}}}} can)",
                    found.name
                ));
            }
            expanded.push_str(&text[done..found.range.start]);
            expanded.push_str(&self.figure(found.argument)?);
            done = found.range.end;
        }
        expanded.push_str(&text[done..]);
        Ok(expanded)
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

fn example(name: &str) -> &'static str {
    match name {
        "listing" => "{{#listing memory/copy_on_write.py}}",
        "chart" => "{{#chart M1}}",
        "bench" => "{{#bench memory}}",
        "predict" => "{{#predict read_all}}",
        "graded" => "{{#graded read_all}}",
        "picture" => "{{#picture memory/figures/idea.svg What it shows.}}",
        _ => "{{#figure M1/…}}",
    }
}
