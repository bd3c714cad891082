//! What can go wrong with a book, each in one line that names the thing and the remedy.

use std::path::PathBuf;

/// Why a book was not built, published or served. The message is whole: no error has a source to print as well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no book where one was looked for.
    #[error("{}: no such file (give the folder of a book)", .toml.display())]
    NoBook {
        /// Where `book.toml` should be.
        toml: PathBuf,
    },

    /// A directive of ours could not be carried out.
    #[error("src/{}:{line}: {what}", .chapter.display())]
    Directive {
        /// The chapter's file, relative to `src/`.
        chapter: PathBuf,
        /// The line of the directive, from 1.
        line: usize,
        /// What is wrong and how to mend it.
        what: String,
    },

    /// mdBook, or a preprocessor under it, refused the book.
    #[error("{0}")]
    Build(String),

    /// Stock mdBook and we did not understand each other.
    #[error("cannot talk to mdbook: {0} (this course needs mdBook 0.5)")]
    Protocol(String),

    /// `book.toml` names a preprocessor that we do not have.
    #[error("no preprocessor is called `{0}` (there are `directives` and `admonish`)")]
    UnknownPreprocessor(String),

    /// Links inside the book lead nowhere.
    #[error("{} in the book lead{} nowhere: {}", count(.0.len(), "link"), if .0.len() == 1 { "s" } else { "" }, .0.join("; "))]
    BrokenLinks(Vec<String>),

    /// The folder to publish to holds something that a new build would destroy.
    #[error("{}: {what} (give a new folder, or empty this one yourself)", .dest.display())]
    NotOurs {
        /// The folder.
        dest: PathBuf,
        /// What it holds.
        what: String,
    },

    /// Somebody asked to stop before the site was in place.
    #[error("stopped: {} is as it was (run the command again)", .dest.display())]
    Stopped {
        /// The folder of the site.
        dest: PathBuf,
    },

    /// The port asked for belongs to somebody else.
    #[error("port {port}: {why} (give another with --port, or leave it out for a free one)")]
    Port {
        /// The port.
        port: u16,
        /// What the system said.
        why: std::io::Error,
    },

    /// A file could not be read or written.
    #[error("{}: {why} (check that the place exists, is writable and has room)", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
}

impl Error {
    /// Our own error if there is one inside, else what mdBook says, in one line.
    pub(crate) fn from_mdbook(error: anyhow::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(other) => {
                let is_full = other
                    .chain()
                    .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
                    .any(|cause| cause.kind() == std::io::ErrorKind::StorageFull);
                let remedy = if is_full {
                    " (make room there and try again)"
                } else {
                    ""
                };
                Self::Build(one_line(&format!("{other:#}")) + remedy)
            }
        }
    }

    /// Ties what the system said to the path that it was about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |why| Self::Io { path, why }
    }
}

/// `text` without its line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1 link`, `2 links`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_full_disk_comes_with_its_remedy() {
        let full = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::StorageFull));
        let error = Error::from_mdbook(full.context("writing\nx.html").unwrap_err()).to_string();
        assert_eq!(
            error,
            "writing x.html: no storage space (make room there and try again)"
        );
    }

    #[test]
    fn our_own_error_comes_through_mdbook_unchanged() {
        let ours =
            anyhow::Error::new(Error::UnknownPreprocessor("x".into())).context("Rendering failed");
        assert!(matches!(
            Error::from_mdbook(ours),
            Error::UnknownPreprocessor(_)
        ));
    }
}
