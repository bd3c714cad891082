//! The source files of one exercise: read from a folder that is not trusted, so that only plain text under plain names gets in.

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

/// Why a folder is no submission, or could not be read as one.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The folder breaks a rule: the author can mend it.
    #[error("{0}")]
    Rejected(String),
    /// The system refused: not the author's fault.
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
    /// What is taken: regular files whose name ends in `.rs`. What is passed over: other regular files, hidden names, and
    /// `main.rs` and `bin/`, which cargo would take for programs. What is refused: everything else.
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

    /// The same files but for one, which is replaced or added.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.0.insert(path.into(), text.into());
        self
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
                self.entry(&inside.join(name), name, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, inside: &Path, name: &str, depth: usize) -> Result<(), SourcesError> {
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
            if depth == 0 && name == "bin" {
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
        let is_source = Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "rs");
        let is_program = depth == 0 && name == "main.rs";
        if !is_source || is_program {
            return Ok(());
        }
        if !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        {
            return Err(rejected(format!(
                "{} is no name for a module (letters, digits and _)",
                shown(inside)
            )));
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
        // Should the entry have been exchanged since we looked: a symlink is not followed, a pipe not waited for.
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
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            rejected(format!(
                "{} is not UTF-8 text: see byte {at} (save it as UTF-8)",
                shown(inside)
            ))
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().expect("a folder"));
            fs::create_dir_all(folder.src()).expect("a src");
            folder.put("lib.rs", b"//! Mine.\n")
        }

        fn src(&self) -> PathBuf {
            self.0.path().join("exercises/memory/src")
        }

        fn put(self, name: impl AsRef<Path>, text: &[u8]) -> Self {
            let path = self.src().join(name);
            fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
            fs::write(path, text).expect("a file");
            self
        }

        fn read(&self) -> Result<Sources, SourcesError> {
            Sources::of_submission(self.0.path(), "memory")
        }

        fn names(&self) -> Vec<String> {
            let sources = self.read().expect("a submission");
            sources
                .iter()
                .map(|(path, _)| path.display().to_string())
                .collect()
        }

        fn rejection(&self) -> String {
            match self.read() {
                Err(SourcesError::Rejected(why)) => why,
                other => panic!("not rejected: {other:?}"),
            }
        }
    }

    #[test]
    fn source_files_are_taken_and_the_rest_passed_over() {
        let folder = Folder::new()
            .put("step/deep.rs", b"")
            .put("notes.txt", b"\xff")
            .put(".lib.rs.swp", b"\xff")
            .put(".git/config.rs", b"\xff")
            .put("main.rs", b"fn main() {}")
            .put("bin/tool.rs", b"fn main() {}");
        symlink("nowhere", folder.src().join(".#lib.rs")).expect("an editor's lock");
        assert_eq!(folder.names(), ["lib.rs", "step/deep.rs"]);
    }

    #[test]
    fn a_symlink_is_rejected_wherever_it_points() {
        let folder = Folder::new();
        symlink("/etc/passwd", folder.src().join("step.rs")).expect("a symlink");
        assert_eq!(
            folder.rejection(),
            "src/step.rs is a symlink (hand in the file itself)"
        );

        let folder = Folder::new();
        symlink("/", folder.src().join("root")).expect("a symlink");
        assert_eq!(
            folder.rejection(),
            "src/root is a symlink (hand in the file itself)"
        );
    }

    #[test]
    fn a_symlinked_folder_on_the_way_is_rejected() {
        let outer = tempfile::tempdir().expect("a folder");
        let real = Folder::new();
        symlink(
            real.0.path().join("exercises"),
            outer.path().join("exercises"),
        )
        .expect("a symlink");
        let error = Sources::of_submission(outer.path(), "memory").expect_err("rejected");
        assert_eq!(
            error.to_string(),
            "exercises is a symlink (hand in the folder itself)"
        );
    }

    #[test]
    fn a_named_pipe_is_rejected_and_not_waited_for() {
        let folder = Folder::new();
        let status = std::process::Command::new("mkfifo")
            .arg(folder.src().join("step.rs"))
            .status()
            .expect("mkfifo");
        assert!(status.success());
        assert_eq!(
            folder.rejection(),
            "src/step.rs is a named pipe, not a file"
        );
    }

    #[test]
    fn text_that_is_no_utf8_is_rejected_with_its_place() {
        assert_eq!(
            Folder::new().put("step.rs", b"// caf\xe9\n").rejection(),
            "src/step.rs is not UTF-8 text: see byte 6 (save it as UTF-8)"
        );
    }

    #[test]
    fn a_name_that_is_no_utf8_or_no_module_is_rejected() {
        let folder = Folder::new().put(OsStr::from_bytes(b"caf\xe9.rs"), b"");
        assert_eq!(
            folder.rejection(),
            "src/caf\u{fffd}.rs is no UTF-8 name (rename it)"
        );
        let folder = Folder::new().put("a\u{1b}[2J.rs", b"");
        assert_eq!(
            folder.rejection(),
            "src/a\\u{1b}[2J.rs is no name for a module (letters, digits and _)"
        );
    }

    #[test]
    fn sizes_and_counts_have_limits() {
        let full = vec![b' '; FILE_SIZE as usize];
        let mut over = full.clone();
        over.push(b' ');
        assert!(Folder::new().put("full.rs", &full).read().is_ok());
        assert_eq!(
            Folder::new().put("over.rs", &over).rejection(),
            "src/over.rs is larger than 256 KiB"
        );

        let many = (0..4).fold(Folder::new(), |folder, n| {
            folder.put(format!("full_{n}.rs"), &full)
        });
        assert_eq!(
            many.rejection(),
            "the source files together are larger than 1024 KiB"
        );

        let many = (0..FILES).fold(Folder::new(), |folder, n| {
            folder.put(format!("m{n}.rs"), b"")
        });
        assert_eq!(many.rejection(), "src holds more than 64 source files");

        assert!(Folder::new().put("a/b/c/d/e.rs", b"").read().is_ok());
        assert_eq!(
            Folder::new().put("a/b/c/d/e/f.rs", b"").rejection(),
            "src/a/b/c/d/e lies deeper than 4 folders"
        );

        let crowd = (0..ENTRIES).fold(Folder::new(), |folder, n| {
            folder.put(format!("note{n}.txt"), b"")
        });
        assert_eq!(
            crowd.rejection(),
            "src holds more than 1024 entries (hand in the sources alone)"
        );
    }

    #[test]
    fn without_lib_rs_there_is_nothing_to_compile() {
        let folder = Folder::new().put("step.rs", b"");
        fs::remove_file(folder.src().join("lib.rs")).expect("removed");
        assert_eq!(
            folder.rejection(),
            "src/lib.rs is missing (hand in the whole src folder)"
        );
    }

    #[test]
    fn what_the_system_refuses_is_not_the_authors_fault() {
        let folder = Folder::new();
        fs::remove_dir_all(folder.src()).expect("removed");
        let error = folder.read().expect_err("gone");
        assert!(matches!(error, SourcesError::Read { .. }), "{error:?}");
    }
}
