//! The HTML of questions: blocks of Markdown between tags, which mdBook renders.

use crate::Error;
use crate::recall::{Question, Text};
use pulldown_cmark::{Event, LinkType, Parser, Tag};
use std::fmt::Write as _;
use std::path::Path;

/// Writes questions for one page.
pub struct Writer<'a> {
    /// The file that the questions are from, relative to `src/`.
    pub file: &'a Path,
    /// The page's way to the top folder.
    pub top: String,
    /// Carries out the figures in a text.
    pub figures: &'a dyn Fn(&str) -> Result<String, String>,
}

impl Writer<'_> {
    pub fn recall(&self, slug: &str, questions: &[Question]) -> Result<String, Error> {
        let mut html = format!(
            "<course-recall id=\"{slug}-recall\" data-key=\"{slug}\">\n<ol class=\"recall\">\n"
        );
        for question in questions {
            let _ = write!(
                html,
                "<li class=\"recall-question\">\n{}{}{}</li>\n",
                self.block("question", &question.question)?,
                self.options(question, false)?,
                self.answer(question, None, "The answer")?,
            );
        }
        html.push_str("</ol>\n</course-recall>");
        Ok(html)
    }

    pub fn options(&self, question: &Question, is_hidden: bool) -> Result<String, Error> {
        let hidden = if is_hidden { " hidden" } else { "" };
        let mut html = format!(
            "<ol class=\"question-options\" type=\"A\" data-answer=\"{}\"{hidden}>\n",
            question.answer
        );
        for option in &question.options {
            let _ = write!(html, "<li>\n\n{}\n\n</li>\n", self.markdown(option)?);
        }
        html.push_str("</ol>\n");
        Ok(html)
    }

    pub fn answer(
        &self,
        question: &Question,
        measured: Option<&Text>,
        summary: &str,
    ) -> Result<String, Error> {
        let mut html =
            format!("<details class=\"question-answer\">\n<summary>{summary}</summary>\n");
        if let Some(option) = question.options.get(question.answer) {
            html += &self.block("question-right", option)?;
        }
        if let Some(measured) = measured {
            html += &self.block("question-measured", measured)?;
        }
        html += &self.block("question-why", &question.why)?;
        html.push_str("<dl class=\"question-wrong\">\n");
        for (index, (option, wrong)) in question.options.iter().zip(&question.wrong).enumerate() {
            if index != question.answer {
                let _ = write!(
                    html,
                    "<dt data-option=\"{index}\">\n\n{}\n\n</dt>\n<dd>\n\n{}\n\n</dd>\n",
                    self.markdown(option)?,
                    self.markdown(wrong)?
                );
            }
        }
        html.push_str("</dl>\n</details>\n");
        Ok(html)
    }

    pub fn block(&self, class: &str, text: &Text) -> Result<String, Error> {
        Ok(format!(
            "<div class=\"{class}\">\n\n{}\n\n</div>\n",
            self.markdown(text)?
        ))
    }

    fn markdown(&self, text: &Text) -> Result<String, Error> {
        let measured = (self.figures)(&text.text).map_err(|what| Error::Directive {
            chapter: self.file.to_owned(),
            line: text.line,
            what,
        })?;
        Ok(from_top(&measured, &self.top))
    }
}

/// `text` with its links, which start at `src/`, as they are from a page whose way to the top is `top`.
fn from_top(text: &str, top: &str) -> String {
    if top.is_empty() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (event, range) in Parser::new(text).into_offset_iter() {
        let Event::Start(Tag::Link {
            link_type: LinkType::Inline,
            dest_url,
            ..
        }) = event
        else {
            continue;
        };
        let is_elsewhere = dest_url.contains(':') || dest_url.starts_with(['#', '/']);
        if is_elsewhere {
            continue;
        }
        if let Some(at) = text[range.clone()].rfind(&format!("]({dest_url}")) {
            let at = range.start + at + "](".len();
            shown.push_str(&text[done..at]);
            shown.push_str(top);
            done = at;
        }
    }
    shown.push_str(&text[done..]);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_start_at_the_top() {
        let text = "See [a `b`](memory.md#x) and [it](https://x.y/z.md), [here](#y), `[c](d.md)`.";
        assert_eq!(from_top(text, ""), text);
        assert_eq!(
            from_top(text, "../"),
            "See [a `b`](../memory.md#x) and [it](https://x.y/z.md), [here](#y), `[c](d.md)`."
        );
    }
}
