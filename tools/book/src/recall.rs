//! Reads `src/<slug>/recall.toml`: a chapter's predictions and its recall questions.
//!
//! ```toml
//! [[predict]]
//! name = "read_all"                  # placed by {{#predict read_all}}
//! question = "…"                     # Markdown, as all texts here; links start at src/
//! options = ["Almost none", "About half", "Nearly all"]
//! answer = 2                         # counts from 0
//! measured = "{{#figure M1/…}} …"    # what the record says
//! why = "…"
//! wrong = ["why option 0 is wrong", "why option 1 is wrong", ""]
//!
//! [[recall]]                         # all of them placed by {{#recall}}
//! question = "…"
//! options = ["…", "…"]
//! answer = 0
//! why = "…"
//! wrong = ["", "… [where to read](memory.md#copy-on-write)"]
//! ```

use crate::Error;
use crate::markup::line_at;
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A chapter's questions.
#[derive(Debug)]
pub struct Questions {
    /// The file, relative to `src/`.
    pub file: PathBuf,
    /// Asked before the reader knows.
    pub predictions: Vec<Prediction>,
    /// Asked at the end.
    pub recall: Vec<Question>,
}

/// A question whose answer was measured.
#[derive(Debug)]
pub struct Prediction {
    /// What `{{#predict NAME}}` says.
    pub name: String,
    /// What was measured.
    pub measured: Text,
    /// What is asked.
    pub question: Question,
    /// The line of its name.
    pub line: usize,
}

/// A question with one right answer.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub question: Text,
    /// What can be chosen.
    pub options: Vec<Text>,
    /// The index of the right option.
    pub answer: usize,
    /// Why it is right.
    pub why: Text,
    /// Why each option is wrong; empty at `answer`.
    pub wrong: Vec<Text>,
    /// The line of its text.
    pub line: usize,
}

/// Markdown, and the line where it begins.
#[derive(Debug, Clone)]
pub struct Text {
    /// Markdown.
    pub text: String,
    /// The line in the file.
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    predict: Vec<RawPrediction>,
    #[serde(default)]
    recall: Vec<RawQuestion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrediction {
    name: Spanned<String>,
    question: Spanned<String>,
    options: Vec<Spanned<String>>,
    answer: Spanned<usize>,
    measured: Spanned<String>,
    why: Spanned<String>,
    wrong: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuestion {
    question: Spanned<String>,
    options: Vec<Spanned<String>>,
    answer: Spanned<usize>,
    why: Spanned<String>,
    wrong: Spanned<Vec<Spanned<String>>>,
}

impl Questions {
    /// Reads `src/<slug>/recall.toml`; nothing if there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read, or a question that is incomplete: the error names file and line.
    pub fn load(src: &Path, slug: &str) -> Result<Option<Self>, Error> {
        let file = Path::new(slug).join("recall.toml");
        let path = src.join(&file);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        Self::parse(file.clone(), &text)
            .map(Some)
            .map_err(|(line, what)| Error::Directive {
                chapter: file,
                line,
                what,
            })
    }

    fn parse(file: PathBuf, text: &str) -> Result<Self, (usize, String)> {
        let source = Source(text);
        let raw: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (line_at(text, at), error.message().replace('\n', " "))
        })?;
        let mut predictions: Vec<Prediction> = Vec::new();
        for raw in raw.predict {
            let line = source.line(&raw.name.span());
            let name = raw.name.into_inner();
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err((
                    line,
                    format!("`{name}` is no name (use letters, digits, _ and -)"),
                ));
            }
            if let Some(other) = predictions.iter().find(|other| other.name == name) {
                return Err((
                    line,
                    format!(
                        "the prediction of line {} is called `{name}` too (rename one)",
                        other.line
                    ),
                ));
            }
            let measured = source.text("measured", raw.measured)?;
            let question = source.question(RawQuestion {
                question: raw.question,
                options: raw.options,
                answer: raw.answer,
                why: raw.why,
                wrong: raw.wrong,
            })?;
            predictions.push(Prediction {
                name,
                measured,
                question,
                line,
            });
        }
        let mut recall = Vec::new();
        for raw in raw.recall {
            let question = source.question(raw)?;
            // A wrong choice sends the reader to where the answer is.
            for (index, wrong) in question.wrong.iter().enumerate() {
                if index != question.answer && !wrong.text.contains("](") {
                    return Err((
                        wrong.line,
                        format!(
                            "wrong[{index}] has no link (say where to read, as in [copy-on-write](memory.md#copy-on-write))"
                        ),
                    ));
                }
            }
            recall.push(question);
        }
        Ok(Self {
            file,
            predictions,
            recall,
        })
    }
}

/// The text of the file, to tell lines from places in it.
struct Source<'t>(&'t str);

impl Source<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        line_at(self.0, span.start)
    }

    fn text(&self, field: &str, raw: Spanned<String>) -> Result<Text, (usize, String)> {
        let line = self.line(&raw.span());
        let text = raw.into_inner().trim().to_owned();
        if text.is_empty() {
            return Err((line, format!("`{field}` is empty (write it)")));
        }
        Ok(Text { text, line })
    }

    fn question(&self, raw: RawQuestion) -> Result<Question, (usize, String)> {
        let line = self.line(&raw.question.span());
        let question = self.text("question", raw.question)?;
        let why = self.text("why", raw.why)?;
        let options = raw
            .options
            .into_iter()
            .map(|option| self.text("options", option))
            .collect::<Result<Vec<_>, _>>()?;
        if options.len() < 2 {
            return Err((
                line,
                "a question needs at least two options (add one)".into(),
            ));
        }
        let answer_line = self.line(&raw.answer.span());
        let answer = raw.answer.into_inner();
        if answer >= options.len() {
            return Err((
                answer_line,
                format!(
                    "answer = {answer}, and the options are 0 to {} (count from 0)",
                    options.len() - 1
                ),
            ));
        }
        let wrong_line = self.line(&raw.wrong.span());
        let wrong: Vec<_> = raw
            .wrong
            .into_inner()
            .into_iter()
            .map(|text| Text {
                line: self.line(&text.span()),
                text: text.into_inner().trim().to_owned(),
            })
            .collect();
        if wrong.len() != options.len() {
            return Err((
                wrong_line,
                format!(
                    "`wrong` has {} texts for {} options (one for each, empty at the answer)",
                    wrong.len(),
                    options.len()
                ),
            ));
        }
        for (index, text) in wrong.iter().enumerate() {
            if index == answer && !text.text.is_empty() {
                return Err((
                    text.line,
                    format!(
                        "wrong[{index}] speaks of the answer, which is right (leave it empty, or mend `answer`)"
                    ),
                ));
            }
            if index != answer && text.text.is_empty() {
                return Err((
                    text.line,
                    format!("wrong[{index}] is empty (say why option {index} is wrong)"),
                ));
            }
        }
        Ok(Question {
            question,
            options,
            answer,
            why,
            wrong,
            line,
        })
    }
}
