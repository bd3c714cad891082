//! Errors, each in one line that names the thing and the remedy.

use std::{io, path::PathBuf};
use supervise::python::Unusable;

/// Why an experiment, a record, a chart or a figure is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such claim.
    #[error("no claim is called `{given}` ({offer})")]
    UnknownClaim {
        /// What was asked for.
        given: String,
        /// The claim that was probably meant, and all that exist.
        offer: String,
    },
    /// A record that does not exist.
    #[error("{path}: no such record (take it with `{remedy}`)", path = path.display())]
    NoRecord {
        /// Where it should be.
        path: PathBuf,
        /// The command that takes it.
        remedy: String,
    },
    /// A record that cannot be used as it is.
    #[error("{path}: not a usable record: {why} (move the file away, then take it again with `{remedy}`)", path = path.display())]
    BadRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The command that takes it.
        remedy: String,
    },
    /// A path that leads to no figure.
    #[error("no figure is called `{path}` ({offer})")]
    UnknownFigure {
        /// What was asked for.
        path: String,
        /// The path that was probably meant, or how to list all.
        offer: String,
    },
    /// A Python that was named but cannot be used.
    #[error("{0} (name a CPython 3.9 or newer)")]
    Python(Unusable), // displayed above, so not the error's source as well
    /// An experiment that failed.
    #[error("{claim} in {runtime}: {why}")]
    Experiment {
        /// The claim's id.
        claim: &'static str,
        /// The runtime's name.
        runtime: String,
        /// What happened.
        why: String,
    },
    /// The reader pressed Ctrl-C.
    #[error("stopped; records of claims that were finished are kept")]
    Stopped,
    /// A name that a claim cannot have.
    #[error("`{given}` cannot name a claim: {why}")]
    BadId {
        /// What was asked for.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried, on what.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl From<Unusable> for Error {
    fn from(unusable: Unusable) -> Self {
        Self::Python(unusable)
    }
}

impl Error {
    /// Wraps the system's answer, with what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
