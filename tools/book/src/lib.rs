//! The book's engine: turns `book.toml`, `src/` and `theme/` into pages, and serves them on this machine.
//!
//! mdBook does the work, as a library. Added here are our own directives ([`directives`]), a bridge for
//! mdbook-admonish, a check of every link ([`links`]), a build that never leaves half a book ([`publish`]),
//! and a server with live reload ([`serve`]).

mod admonish;
pub mod directives;
mod error;
pub mod links;
mod listing;
mod markup;
mod picture;
pub mod publish;
mod questions;
pub mod recall;
mod region;
mod search;
pub mod serve;
mod stamp;
mod warnings;
mod widgets;

pub use directives::Evidence;
pub use error::Error;
use mdbook_driver::MDBook;
use mdbook_preprocessor::Preprocessor;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A folder that holds a book, and where its charts and figures come from.
#[derive(Clone, Debug)]
pub struct Book {
    root: PathBuf,
    evidence: Evidence,
}

impl Book {
    /// The book in the folder `root`, which holds `book.toml`. `evidence` draws its charts and words its figures.
    pub fn new(root: impl Into<PathBuf>, evidence: Evidence) -> Self {
        let root = root.into();
        Self { root, evidence }
    }

    /// The folder of the book.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Builds the pages into `dest`, which mdBook empties first, and returns what mdBook warned about.
    ///
    /// With `live_reload`, each page opens a WebSocket at that address of its server and reloads when told to.
    pub fn build(&self, dest: &Path, live_reload: Option<&str>) -> Result<Vec<String>, Error> {
        let toml = self.root.join("book.toml");
        if !toml.is_file() {
            return Err(Error::NoBook { toml });
        }
        let (built, warnings) = warnings::collect(|| self.build_with_mdbook(dest, live_reload));
        built.map_err(Error::from_mdbook)?;
        // mdBook only logs what it could not expand, and ships the raw text: to us that is a broken book.
        match warnings.iter().find(|warning| warning.is_error) {
            Some(error) => Err(Error::Build(error.text.clone())),
            None => Ok(warnings.into_iter().map(|warning| warning.text).collect()),
        }
    }

    fn build_with_mdbook(&self, dest: &Path, live_reload: Option<&str>) -> anyhow::Result<()> {
        let mut book = MDBook::load(&self.root)?;
        book.config.build.build_dir = dest.to_owned();
        if let Some(endpoint) = live_reload {
            book.config
                .set("output.html.live-reload-endpoint", endpoint)?;
            book.config.set("output.html.site-url", "/")?;
        }
        // Each takes the place, and so the position, of the command of the same name in book.toml.
        book.with_preprocessor(directives::Directives::new(self.evidence));
        book.with_preprocessor(admonish::Admonish);
        book.build()
    }

    /// Answers stock mdBook, which runs us as the command preprocessor `name`: a book comes in, a book goes out.
    pub fn preprocess(
        &self,
        name: &str,
        input: impl Read,
        output: impl Write,
    ) -> Result<(), Error> {
        let preprocessor = self.preprocessor(name)?;
        let (context, book) = mdbook_preprocessor::parse_input(input)
            .map_err(|error| Error::Protocol(format!("{error:#}")))?;
        let book = preprocessor
            .run(&context, book)
            .map_err(Error::from_mdbook)?;
        serde_json::to_writer(output, &book).map_err(|error| Error::Protocol(error.to_string()))
    }

    /// Whether the preprocessor `name` has anything to do for this renderer.
    pub fn supports(&self, name: &str, renderer: &str) -> Result<bool, Error> {
        self.preprocessor(name)?
            .supports_renderer(renderer)
            .map_err(Error::from_mdbook)
    }

    fn preprocessor(&self, name: &str) -> Result<Box<dyn Preprocessor>, Error> {
        match name {
            directives::NAME => Ok(Box::new(directives::Directives::new(self.evidence))),
            admonish::NAME => Ok(Box::new(admonish::Admonish)),
            _ => Err(Error::UnknownPreprocessor(name.to_owned())),
        }
    }
}
