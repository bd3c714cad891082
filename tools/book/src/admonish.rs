//! Runs mdbook-admonish, written against mdBook 0.4, inside mdBook 0.5; goes when upstream speaks 0.5.
//!
//! The two versions' books differ in types, not in what a chapter's text is. So each chapter travels alone, as text.

use anyhow::{Context, Result, anyhow, bail};
use mdbook_admonish::Admonish as Upstream;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext, book::Book};
use mdbook04::book::{Book as Book04, BookItem as BookItem04, Chapter as Chapter04};
use mdbook04::preprocess::{Preprocessor as _, PreprocessorContext as Context04};
use serde_json::{Value, json};

/// The name in `book.toml`.
pub const NAME: &str = "admonish";

/// The preprocessor for blocks fenced with `admonish`.
pub struct Admonish;

impl Preprocessor for Admonish {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let settings: Value = context
            .config
            .get("preprocessor.admonish")?
            .unwrap_or_else(|| json!({}));
        // Upstream unwraps this one, and a panic is no answer.
        if let Some(version) = settings.get("assets_version") {
            let version = version.as_str().unwrap_or_default();
            semver::Version::parse(version).map_err(|error| {
                anyhow!("book.toml: preprocessor.admonish.assets_version = \"{version}\": {error} (give the version in theme/mdbook-admonish.css)")
            })?;
        }
        let context: Context04 = serde_json::from_value(json!({
            "root": context.root,
            "config": { "preprocessor": { NAME: settings } },
            "renderer": context.renderer,
            "mdbook_version": mdbook04::MDBOOK_VERSION,
        }))
        .context("book.toml: the settings under preprocessor.admonish do not suit mdbook-admonish (see its manual)")?;

        let mut done = Ok(());
        book.for_each_chapter_mut(|chapter| {
            if done.is_ok() {
                let place = chapter.source_path.as_ref().map_or_else(
                    || chapter.name.clone(),
                    |path| format!("src/{}", path.display()),
                );
                let text = std::mem::take(&mut chapter.content);
                match admonish(&context, text) {
                    Ok(text) => chapter.content = text,
                    Err(error) => done = Err(error.context(place)),
                }
            }
        });
        done.map(|()| book)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(Upstream.supports_renderer(renderer))
    }
}

fn admonish(context: &Context04, text: String) -> Result<String> {
    if let Some(line) = text.lines().find(|line| is_no_fence(line)) {
        bail!(
            "{line}: after backticks, a title with code in it begins no block (fence this one with ~~~)"
        );
    }
    let mut book = Book04::new();
    book.push_item(Chapter04::new("chapter", text, "chapter.md", Vec::new()));
    let book = Upstream
        .run(context, book)
        .map_err(|error| anyhow!("{error:#}"))?;
    match book.sections.into_iter().next() {
        Some(BookItem04::Chapter(chapter)) => Ok(without_role_of_details(&chapter.content)),
        _ => bail!("mdbook-admonish lost the chapter"),
    }
}

/// Whether this line was meant to open an admonition, and opens nothing: a fence of backticks has none after it, says CommonMark.
fn is_no_fence(line: &str) -> bool {
    let line = line.trim_start();
    let info = line.trim_start_matches('`');
    line.len() - info.len() >= 3 && info.starts_with(NAME) && info.contains('`')
}

/// `text` without the role `note` of admonitions that fold: HTML allows `<details>` no such role.
fn without_role_of_details(text: &str) -> String {
    const FOLD: &str = "<details id=\"admonition";
    let lines = text.split_inclusive('\n').map(|line| {
        if line.trim_start().starts_with(FOLD) {
            line.replacen(" role=\"note\"", "", 1)
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}
