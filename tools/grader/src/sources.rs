//! The source files of one exercise, read from an untrusted folder: only plain text under plain names gets in.

pub mod archive;
pub mod git;
#[cfg(test)]
mod tests;

use crate::text::printable;
use rustix::fs::OFlags;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The largest source file, in bytes.
pub const FILE_SIZE: u64 = 256 * 1024;
/// The largest sum of source files, in bytes.
pub const TOTAL_SIZE: u64 = 1024 * 1024;
/// The most source files.
pub const FILES: usize = 64;
/// The most entries looked at, of any kind.
pub const ENTRIES: usize = 1024;
/// The deepest folder below `src`.
pub const DEPTH: usize = 4;

/// The `src` of an exercise: every `**/*.rs` in it, by its path in `src`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<PathBuf, String>);

/// Why a folder isn't a submission, or can't be read as one.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The folder breaks a rule; its author can fix that.
    #[error("{0}")]
    Rejected(String),
    /// The system failed: not the author's fault.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// What could not be read.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
}

impl Sources {
    /// Reads `exercises/<slug>/src` below `folder`. No component below `folder` may be a symlink.
    ///
    /// Takes regular files whose names end in `.rs`. Ignores other regular files, hidden names, and `main.rs` and `bin/`, which
    /// cargo would treat as programs. Rejects everything else.
    ///
    /// # Errors
    /// See [`SourcesError`].
    pub fn of_submission(folder: &Path, slug: &str) -> Result<Self, SourcesError> {
        let mut path = folder.to_owned();
        for part in ["exercises", slug, "src"] {
            path.push(part);
            let shown = || printable(&path.strip_prefix(folder).unwrap_or(&path).to_string_lossy());
            let kind = fs::symlink_metadata(&path)
                .map_err(|cause| read_error(&path, cause))?
                .file_type();
            if kind.is_symlink() {
                return Err(rejected(format!(
                    "{} is a symlink (hand in the folder itself)",
                    shown()
                )));
            }
            if !kind.is_dir() {
                return Err(rejected(format!("{} is not a folder", shown())));
            }
        }
        Self::read(&path)
    }

    /// Reads a `src` folder by the same rules.
    ///
    /// # Errors
    /// See [`SourcesError`].
    pub fn read(src: &Path) -> Result<Self, SourcesError> {
        let mut reader = Reader {
            src,
            sources: Self::default(),
            bytes: 0,
            entries: 0,
        };
        reader.folder(Path::new(""), 0)?;
        if !reader.sources.0.contains_key(Path::new("lib.rs")) {
            return Err(rejected(
                "src/lib.rs is missing (hand in the whole src folder)".to_owned(),
            ));
        }
        Ok(reader.sources)
    }

    /// Replaces or adds one file.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.0.insert(path.into(), text.into());
        self
    }

    /// Returns the text of a file.
    #[must_use]
    pub fn get(&self, path: impl AsRef<Path>) -> Option<&str> {
        self.0.get(path.as_ref()).map(String::as_str)
    }

    /// Each file's path in `src` and its text, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0
            .iter()
            .map(|(path, text)| (path.as_path(), text.as_str()))
    }
}

impl<P: Into<PathBuf>, T: Into<String>> FromIterator<(P, T)> for Sources {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        Self(
            files
                .into_iter()
                .map(|(path, text)| (path.into(), text.into()))
                .collect(),
        )
    }
}

struct Reader<'a> {
    src: &'a Path,
    sources: Sources,
    bytes: u64,
    entries: usize,
}

impl Reader<'_> {
    fn folder(&mut self, inside: &Path, depth: usize) -> Result<(), SourcesError> {
        let path = self.src.join(inside);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path).map_err(|cause| read_error(&path, cause))? {
            self.entries += 1;
            if self.entries > ENTRIES {
                return Err(rejected(format!(
                    "src holds more than {ENTRIES} entries (hand in the sources alone)"
                )));
            }
            entries.push(entry.map_err(|cause| read_error(&path, cause))?.file_name());
        }
        // In a fixed order, so that the same folder always breaks the same rule first.
        entries.sort();
        for name in entries {
            let Some(name) = name.to_str() else {
                let name = inside.join(&name);
                return Err(rejected(format!(
                    "{} is no UTF-8 name (rename it)",
                    shown(&name)
                )));
            };
            if !name.starts_with('.') {
                self.entry(&inside.join(name), depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, inside: &Path, depth: usize) -> Result<(), SourcesError> {
        let path = self.src.join(inside);
        let kind = fs::symlink_metadata(&path)
            .map_err(|cause| read_error(&path, cause))?
            .file_type();
        if kind.is_symlink() {
            return Err(rejected(format!(
                "{} is a symlink (hand in the file itself)",
                shown(inside)
            )));
        }
        if kind.is_dir() {
            if is_program(inside) {
                return Ok(());
            }
            if depth + 1 > DEPTH {
                return Err(rejected(format!(
                    "{} lies deeper than {DEPTH} folders",
                    shown(inside)
                )));
            }
            return self.folder(inside, depth + 1);
        }
        if !kind.is_file() {
            return Err(rejected(format!(
                "{} is {}, not a file",
                shown(inside),
                special(kind)
            )));
        }
        if is_program(inside) || !is_source(inside)? {
            return Ok(());
        }
        let text = self.text(inside, &path)?;
        self.sources.0.insert(inside.to_owned(), text);
        if self.sources.0.len() > FILES {
            return Err(rejected(format!(
                "src holds more than {FILES} source files"
            )));
        }
        Ok(())
    }

    fn text(&mut self, inside: &Path, path: &Path) -> Result<String, SourcesError> {
        // Avoids a TOCTOU race: if the entry was replaced since we looked, a symlink isn't followed and a FIFO doesn't block.
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)
            .map_err(|cause| read_error(path, cause))?;
        if !file
            .metadata()
            .map_err(|cause| read_error(path, cause))?
            .is_file()
        {
            return Err(rejected(format!("{} is not a file", shown(inside))));
        }
        let mut bytes = Vec::new();
        let read = file.by_ref().take(FILE_SIZE + 1).read_to_end(&mut bytes);
        self.bytes += read.map_err(|cause| read_error(path, cause))? as u64;
        if bytes.len() as u64 > FILE_SIZE {
            return Err(rejected(format!(
                "{} is larger than {} KiB",
                shown(inside),
                FILE_SIZE / 1024
            )));
        }
        if self.bytes > TOTAL_SIZE {
            return Err(rejected(format!(
                "the source files together are larger than {} KiB",
                TOTAL_SIZE / 1024
            )));
        }
        text_of(inside, bytes)
    }
}

/// Whether a path in `src` is what cargo would take for a program: `main.rs`, and all of `bin`.
fn is_program(inside: &Path) -> bool {
    inside == Path::new("main.rs") || inside.starts_with("bin")
}

/// Whether a path in `src` names a source file, which then has to have a plain name.
fn is_source(inside: &Path) -> Result<bool, SourcesError> {
    if inside.extension().is_none_or(|extension| extension != "rs") {
        return Ok(false);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if inside.to_string_lossy().chars().all(is_plain) {
        return Ok(true);
    }
    Err(rejected(format!(
        "{} is no name for a module (letters, digits and _)",
        shown(inside)
    )))
}

/// The text of a source file.
fn text_of(inside: &Path, bytes: Vec<u8>) -> Result<String, SourcesError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        rejected(format!(
            "{} is not UTF-8 text: see byte {at} (save it as UTF-8)",
            shown(inside)
        ))
    })
}

fn special(kind: fs::FileType) -> &'static str {
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn shown(inside: &Path) -> String {
    printable(&Path::new("src").join(inside).to_string_lossy())
}

fn rejected(why: String) -> SourcesError {
    SourcesError::Rejected(why)
}

fn read_error(path: &Path, cause: io::Error) -> SourcesError {
    SourcesError::Read {
        path: path.to_owned(),
        cause,
    }
}
