//! Shows predictions and recall questions: static HTML that is whole without JavaScript and on paper. The elements
//! `<course-question>`, `<course-graded>` and `<course-recall>` of `src/widgets/questions.js` make them interactive.
//!
//! `{{#predict NAME}}` asks, and grades the answer on the spot. If the chapter also says `{{#graded NAME}}`, the answer
//! is only kept where it was asked, and graded there, beside the measurement. `{{#recall}}` asks all recall questions.

mod html;

use self::html::Writer;
use crate::Error;
use crate::markup::{find, line_at, literal_ranges, to_top};
use crate::recall::Questions;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The directives of this module.
pub const NAMES: [&str; 3] = ["predict", "graded", "recall"];

/// A chapter's slug: `memory` for `memory.md` and for `memory/exercise.md`.
fn slug(chapter: &Path) -> String {
    let first = chapter.iter().next().map(Path::new).unwrap_or(chapter);
    first.with_extension("").to_string_lossy().into_owned()
}

/// Where a directive of ours stands.
struct Placement {
    slug: String,
    directive: String,
    name: String,
    chapter: PathBuf,
    line: usize,
}

impl Placement {
    fn error(&self, what: String) -> Error {
        Error::Directive {
            chapter: self.chapter.clone(),
            line: self.line,
            what,
        }
    }

    fn is(&self, slug: &str, directive: &str, name: &str) -> bool {
        self.slug == slug && self.directive == directive && self.name == name
    }
}

/// Every chapter's questions, and where the pages place them.
pub struct Desk {
    by_slug: BTreeMap<String, Questions>,
    placements: Vec<Placement>,
}

impl Desk {
    /// Reads the questions in the folder `src`, and checks that `chapters` (path and text) place each of them once.
    ///
    /// # Errors
    /// Names the file and the line of what is wrong or not placed.
    pub fn open<'c>(
        src: &Path,
        chapters: impl Iterator<Item = (&'c Path, &'c str)>,
    ) -> Result<Self, Error> {
        let mut by_slug = BTreeMap::new();
        for entry in std::fs::read_dir(src).map_err(Error::io(src))? {
            let entry = entry.map_err(Error::io(src))?;
            let slug = entry.file_name().to_string_lossy().into_owned();
            if let Some(questions) = Questions::load(src, &slug)? {
                by_slug.insert(slug, questions);
            }
        }
        let mut placements = Vec::new();
        for (chapter, text) in chapters {
            place(chapter, text, &mut placements);
        }
        let desk = Self {
            by_slug,
            placements,
        };
        desk.check()?;
        Ok(desk)
    }

    fn check(&self) -> Result<(), Error> {
        for (index, placement) in self.placements.iter().enumerate() {
            self.check_placement(placement)?;
            let (slug, directive) = (&placement.slug, &placement.directive);
            if let Some(first) = self.placements[..index]
                .iter()
                .find(|other| other.is(slug, directive, &placement.name))
            {
                return Err(placement.error(format!(
                    "{{{{#{directive} {}}}}} stands in src/{}:{} already (remove one)",
                    placement.name,
                    first.chapter.display(),
                    first.line
                )));
            }
        }
        for (slug, questions) in &self.by_slug {
            let unused = |line, what: String| Error::Directive {
                chapter: questions.file.clone(),
                line,
                what,
            };
            for prediction in &questions.predictions {
                if !self.is_placed(slug, "predict", &prediction.name) {
                    return Err(unused(
                        prediction.line,
                        format!(
                            "no page of `{slug}` asks this prediction (place it with {{{{#predict {}}}}})",
                            prediction.name
                        ),
                    ));
                }
            }
            if let Some(question) = questions.recall.first()
                && !self.is_placed(slug, "recall", "")
            {
                return Err(unused(
                    question.line,
                    format!(
                        "no page of `{slug}` asks the recall questions (place them with {{{{#recall}}}})"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn check_placement(&self, placement: &Placement) -> Result<(), Error> {
        let Placement {
            slug,
            directive,
            name,
            ..
        } = placement;
        let Some(questions) = self.by_slug.get(slug) else {
            return Err(placement.error(format!(
                "{{{{#{directive}}}}}: there is no src/{slug}/recall.toml (write the questions there)"
            )));
        };
        if directive == "recall" {
            if !name.is_empty() {
                return Err(placement.error(format!(
                    "{{{{#recall {name}}}}}: recall takes no argument (it asks all [[recall]] questions)"
                )));
            }
            if questions.recall.is_empty() {
                return Err(placement.error(format!(
                    "{{{{#recall}}}}: src/{} has no [[recall]] (write one)",
                    questions.file.display()
                )));
            }
            return Ok(());
        }
        if !questions
            .predictions
            .iter()
            .any(|prediction| prediction.name == *name)
        {
            let known: Vec<_> = questions
                .predictions
                .iter()
                .map(|prediction| prediction.name.as_str())
                .collect();
            return Err(placement.error(format!(
                "{{{{#{directive} {name}}}}}: src/{} has no [[predict]] of that name (there is {})",
                questions.file.display(),
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            )));
        }
        if directive == "graded" && !self.is_placed(slug, "predict", name) {
            return Err(placement.error(format!(
                "{{{{#graded {name}}}}}: no page asks it (place {{{{#predict {name}}}}} first)"
            )));
        }
        Ok(())
    }

    fn is_placed(&self, slug: &str, directive: &str, name: &str) -> bool {
        self.placements
            .iter()
            .any(|placement| placement.is(slug, directive, name))
    }

    /// What takes the place of a directive in `chapter`. `figures` carries out the `{{#figure …}}` in a text.
    ///
    /// # Errors
    /// One that names the file and the line of the text that is wrong.
    pub fn show(
        &self,
        chapter: &Path,
        directive: &str,
        name: &str,
        figures: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<String, Error> {
        let slug = slug(chapter);
        let missing = || {
            Error::Build(format!(
                "src/{}: no questions for {{{{#{directive}}}}}",
                chapter.display()
            ))
        };
        let questions = self.by_slug.get(&slug).ok_or_else(missing)?;
        let writer = Writer {
            file: &questions.file,
            top: to_top(chapter),
            figures,
        };
        if directive == "recall" {
            return writer.recall(&slug, &questions.recall);
        }
        let prediction = questions
            .predictions
            .iter()
            .find(|prediction| prediction.name == name)
            .ok_or_else(missing)?;
        let key = format!("{slug}/{name}");
        let id = format!("{slug}-{directive}-{name}");
        let question = &prediction.question;
        let measured = Some(&prediction.measured);
        if directive == "graded" {
            // The question, since a page may grade several; the options, so that it can say what the reader chose.
            return Ok(format!(
                "<course-graded id=\"{id}\" data-key=\"{key}\" data-ask=\"{}#{slug}-predict-{name}\">\n{}{}{}</course-graded>",
                self.way_to(&slug, "predict", name, chapter),
                writer.block("question", &question.question)?,
                writer.options(question, true)?,
                writer.answer(question, measured, "What was measured")?,
            ));
        }
        let graded = self.is_placed(&slug, "graded", name);
        let (attribute, answer) = if graded {
            let way = format!(
                "{}#{slug}-graded-{name}",
                self.way_to(&slug, "graded", name, chapter)
            );
            (
                format!(" data-graded=\"{way}\""),
                format!(
                    "<p class=\"question-later\"><a href=\"{way}\">What was measured</a></p>\n"
                ),
            )
        } else {
            (
                String::new(),
                writer.answer(question, measured, "What was measured")?,
            )
        };
        Ok(format!(
            "<course-question id=\"{id}\" data-key=\"{key}\"{attribute}>\n{}{}{answer}</course-question>",
            writer.block("question", &question.question)?,
            writer.options(question, false)?,
        ))
    }

    /// The address of the page with that directive, as seen from `chapter`; empty for the page itself.
    fn way_to(&self, slug: &str, directive: &str, name: &str, chapter: &Path) -> String {
        let there = self
            .placements
            .iter()
            .find(|placement| placement.is(slug, directive, name))
            .map(|placement| placement.chapter.as_path());
        match there {
            Some(page) if page != chapter => {
                format!(
                    "{}{}",
                    to_top(chapter),
                    page.with_extension("html").display()
                )
            }
            _ => String::new(),
        }
    }
}

/// Notes the directives of ours in a chapter.
fn place(chapter: &Path, text: &str, placements: &mut Vec<Placement>) {
    let literal = literal_ranges(text);
    for found in find(text) {
        let at = found.range.start;
        if NAMES.contains(&found.name) && !literal.iter().any(|range| range.contains(&at)) {
            placements.push(Placement {
                slug: slug(chapter),
                directive: found.name.to_owned(),
                name: found.argument.to_owned(),
                chapter: chapter.to_owned(),
                line: line_at(text, at),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_its_nested_pages_share_a_slug() {
        assert_eq!(slug(Path::new("memory.md")), "memory");
        assert_eq!(slug(Path::new("memory/exercise.md")), "memory");
    }
}
