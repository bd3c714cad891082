//! Remembers how far the reader is, in one small file that people can read and carry to another machine.
//!
//! `progress.toml` is derived from test results: a step is solved when all its tests passed on the text
//! that its file holds now. Editing the file makes the step unchecked, not unsolved for ever: the day it
//! was first solved stays.

mod document;

use crate::text::errln;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// The name of the file, at the root of the course.
pub const FILE: &str = "progress.toml";
/// Writing the file takes milliseconds: a command that holds its lock longer is stuck or stopped.
const LOCK_DEADLINE: Duration = Duration::from_secs(60);

/// What was done so far: chapter, step, record.
#[derive(Debug, Default, PartialEq)]
pub struct Progress {
    chapters: BTreeMap<String, BTreeMap<String, Step>>,
}

/// The record of one step.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Step {
    /// When all its tests passed for the first time (UTC).
    pub solved: Option<String>,
    /// When the reader asked for the answer without having solved it (UTC).
    pub gave_up: Option<String>,
    /// How many hints were shown.
    pub hints: usize,
    /// How many tests passed in the last check.
    pub passed: usize,
    /// How many tests the last check ran.
    pub total: usize,
    /// The digest of the step's file in the last check.
    pub source: Option<String>,
}

/// Why progress could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there but says nothing that we understand.
    #[error(
        "{}: line {line}: {what} (fix that line, or move the file away to start over; the file is unchanged)",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A later course wrote it.
    #[error(
        "{}: written by a newer version of the course, {found} (update the course with `git pull`; the file is unchanged)",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it names.
        found: i64,
    },
    /// Another command does not finish with the file.
    #[error("{}: another `cargo course` has held this lock for a minute (end that command, then try again)", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot read: {source} (make it readable, or move it away to start over)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{}: cannot write: {source} (check the free space and the permissions; what was there is unchanged)", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Progress {
    /// Reads the file; a missing one means that nothing was done yet.
    pub fn load(root: &Path) -> Result<Self, Error> {
        let path = root.join(FILE);
        match read(&path)? {
            Some(bytes) => document::parse(&path, &bytes).map(|(progress, _)| progress),
            None => Ok(Self::default()),
        }
    }

    /// Reads the file, changes it, and writes it back if that changed anything. Comments stay where they are.
    ///
    /// `order` lists (chapter, step) in the order in which the file is to list them.
    /// Two commands at once (a `watch` here, a `hint` there) take turns, so neither undoes the other.
    pub fn update<T>(
        root: &Path,
        order: &[(&str, &str)],
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Error> {
        let _turn = take_turn(root)?;
        let path = root.join(FILE);
        let (before, mut document) = match read(&path)? {
            Some(bytes) => document::parse(&path, &bytes)?,
            None => (Self::default(), document::new()),
        };
        let mut after = Progress {
            chapters: before.chapters.clone(),
        };
        let answer = change(&mut after);
        if after != before {
            for (chapter, steps) in &after.chapters {
                for (step, record) in steps {
                    if before.step(chapter, step) != *record {
                        document::set(&mut document, chapter, step, record);
                    }
                }
            }
            document::sort(&mut document, order);
            let text = document.to_string();
            files::write::write_atomic(&path, text.as_bytes())
                .map_err(|source| Error::Write { path, source })?;
        }
        Ok(answer)
    }

    /// The record of a step, empty when there is none.
    pub fn step(&self, chapter: &str, step: &str) -> Step {
        let steps = self.chapters.get(chapter);
        steps
            .and_then(|steps| steps.get(step))
            .cloned()
            .unwrap_or_default()
    }

    /// The record of a step, to be changed.
    pub fn step_mut(&mut self, chapter: &str, step: &str) -> &mut Step {
        let steps = self.chapters.entry(chapter.to_owned()).or_default();
        steps.entry(step.to_owned()).or_default()
    }
}

impl Step {
    /// Whether all tests passed on this text of the step's file.
    pub fn solves(&self, source: Option<&str>) -> bool {
        self.total > 0
            && self.passed == self.total
            && source.is_some()
            && self.source.as_deref() == source
    }

    /// Whether the reader may see the answer: it was solved once, or given up.
    pub fn may_see_answer(&self) -> bool {
        self.solved.is_some() || self.gave_up.is_some()
    }
}

/// The digest of a step's file; none when there is no such file.
pub fn digest(file: &Path) -> Option<String> {
    // Opening a FIFO would wait for somebody to write into it.
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let bytes = fs::read(file).ok()?;
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(format!("sha256:{hex}"))
}

/// This moment, to the second, as the file writes it: `2026-11-22T18:54:00Z`.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// What the file holds; none when there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let read = || match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::read(path),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // Reading a FIFO would wait for somebody to write into it.
        Ok(_) => Err(io::Error::other("it is not a regular file")),
        Err(error) => Err(error),
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Waits until no other command is changing the file. The turn ends when the answer is dropped.
fn take_turn(root: &Path) -> Result<File, Error> {
    // In `target`, which git ignores: the file itself is replaced by every write and so cannot hold the lock.
    let path = root.join("target").join("progress.lock");
    let open = || {
        fs::create_dir_all(root.join("target"))?;
        File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
    };
    let failed = |source| Error::Write {
        path: path.clone(),
        source,
    };
    let file = open().map_err(failed)?;
    let started = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if started.elapsed() > LOCK_DEADLINE => {
                return Err(Error::Locked { path });
            }
            Err(TryLockError::WouldBlock) => {
                if !told && started.elapsed() > Duration::from_millis(200) {
                    errln!("waiting for another `cargo course`, which is changing {FILE}");
                    told = true;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt::Write as _, thread};

    const ORDER: [(&str, &str); 2] = [("memory", "lost_updates"), ("memory", "copy_on_write")];

    fn text(root: &Path) -> String {
        fs::read_to_string(root.join(FILE)).unwrap()
    }

    fn error_for(text: &[u8]) -> String {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE), text).unwrap();
        let error =
            Progress::update(root.path(), &ORDER, |p| p.step_mut("a", "b").hints = 1).unwrap_err();
        assert_eq!(
            fs::read(root.path().join(FILE)).unwrap(),
            text,
            "the file was touched"
        );
        let error = error.to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error.replace(&root.path().display().to_string(), "")
    }

    #[test]
    fn what_is_written_reads_well_and_comes_back() {
        let root = tempfile::tempdir().unwrap();
        Progress::update(root.path(), &ORDER, |progress| {
            progress.step_mut("memory", "copy_on_write").hints = 2;
            *progress.step_mut("memory", "lost_updates") = Step {
                solved: Some("2026-11-22T18:54:00Z".to_owned()),
                passed: 5,
                total: 5,
                source: Some("sha256:00".to_owned()),
                ..Step::default()
            };
            progress.step_mut("memory", "untouched");
        })
        .unwrap();
        let expected = format!(
            "{}version = 1\n\n\
             [memory.lost_updates]\nsolved = \"2026-11-22T18:54:00Z\"\npassed = 5\ntotal = 5\nsource = \"sha256:00\"\n\n\
             [memory.copy_on_write]\nhints = 2\npassed = 0\ntotal = 0\n",
            document::HEADER
        );
        assert_eq!(text(root.path()), expected);
        let again = Progress::load(root.path()).unwrap();
        assert_eq!(again.step("memory", "copy_on_write").hints, 2);
        assert!(
            again
                .step("memory", "lost_updates")
                .solves(Some("sha256:00"))
        );
        assert!(
            !again
                .step("memory", "lost_updates")
                .solves(Some("sha256:11"))
        );
        assert!(!again.step("memory", "lost_updates").solves(None));
    }

    #[test]
    fn a_step_without_tests_is_never_solved() {
        let step = Step {
            source: Some("x".to_owned()),
            ..Step::default()
        };
        assert!(!step.solves(Some("x")));
    }

    #[test]
    fn a_missing_file_means_a_beginning_and_reading_writes_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Progress::load(root.path()).unwrap(), Progress::default());
        Progress::update(root.path(), &ORDER, |_| ()).unwrap();
        assert!(!root.path().join(FILE).exists());
    }

    #[test]
    fn a_corrupt_file_is_named_with_its_line_and_left_alone() {
        let broken = error_for(b"version = 1\n[memory\n");
        assert!(broken.starts_with("/progress.toml: line 2: "), "{broken}");
        assert!(broken.contains("move the file away"), "{broken}");
        let binary = error_for(b"version = 1\n# \xff\n");
        assert!(
            binary.starts_with("/progress.toml: line 2: this is not UTF-8"),
            "{binary}"
        );
        for (text, line, what) in [
            (
                "version = 1\n\n# mine\n[memory.lost_updates]\ntotal = 1\nhints = \"two\"\n",
                6,
                "`hints` takes a number",
            ),
            (
                "version = 1\n[memory.lost_updates]\nhint = 2\n",
                3,
                "`hint` is unknown",
            ),
            (
                "version = 1\n[memory.a]\nhints = 1\n[memory.b]\npassed = -1\n",
                5,
                "`passed` takes a number",
            ),
            ("version = 1\nmemory = 3\n", 2, "`memory` is not a table"),
            (
                "version = 1\n[memory]\na = 1\n",
                3,
                "`memory.a` is not a table",
            ),
            (
                "version = 1\n[memory.a]\n\nsolved = 2026-01-01\n",
                4,
                "`solved` takes a string",
            ),
            ("# mine\nversion = 0\n", 2, "version 0 is unknown"),
            ("", 1, "`version = 1` is missing"),
        ] {
            let error = error_for(text.as_bytes());
            let start = format!("/progress.toml: line {line}: {what}");
            assert!(error.starts_with(&start), "{text}: {error}");
        }
    }

    #[test]
    fn what_people_wrote_into_the_file_stays() {
        let root = tempfile::tempdir().unwrap();
        let before = "# carried over from my laptop\nversion = 1\n\n# hard!\n[memory.copy_on_write]\n# last week\nhints = 1 # the first\npassed = 0\ntotal = 0\n\n\
                      # the end\n";
        fs::write(root.path().join(FILE), before).unwrap();
        Progress::update(root.path(), &ORDER, |progress| {
            progress.step_mut("memory", "copy_on_write").hints = 2;
            progress.step_mut("memory", "lost_updates").hints = 1;
        })
        .unwrap();
        let after = "# carried over from my laptop\nversion = 1\n\n[memory.lost_updates]\nhints = 1\npassed = 0\ntotal = 0\n\n\
                     # hard!\n[memory.copy_on_write]\n# last week\nhints = 2 # the first\npassed = 0\ntotal = 0\n\n# the end\n";
        assert_eq!(text(root.path()), after);
    }

    #[test]
    fn a_fifo_in_place_of_the_file_is_named_and_waits_for_nobody() {
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join(FILE);
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let error = Progress::load(root.path()).unwrap_err().to_string();
        assert!(error.contains("it is not a regular file"), "{error}");
        assert_eq!(digest(&fifo), None);
    }

    #[test]
    fn a_file_of_a_later_course_is_left_alone() {
        let newer = error_for(b"version = 2\nwhatever = true\n");
        assert!(newer.contains("newer version of the course, 2"), "{newer}");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(FILE)).unwrap();
        let error = Progress::load(root.path()).unwrap_err().to_string();
        assert!(error.contains("progress.toml: cannot read: "), "{error}");
    }

    #[test]
    fn names_that_toml_must_quote_survive() {
        let root = tempfile::tempdir().unwrap();
        let odd = "a \"b\".c";
        Progress::update(root.path(), &[], |p| p.step_mut(odd, "").hints = 1).unwrap();
        assert_eq!(
            Progress::load(root.path()).unwrap().step(odd, "").hints,
            1,
            "{}",
            text(root.path())
        );
    }

    #[test]
    fn two_writers_undo_nothing_of_each_other() {
        let root = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let root = root.path();
                scope.spawn(move || {
                    for _ in 0..10 {
                        Progress::update(root, &[], |p| p.step_mut("memory", name).hints += 1)
                            .unwrap();
                    }
                });
            }
        });
        let progress = Progress::load(root.path()).unwrap();
        let mut hints = String::new();
        for name in ["a", "b", "c", "d"] {
            write!(hints, "{name}{} ", progress.step("memory", name).hints).unwrap();
        }
        assert_eq!(hints, "a10 b10 c10 d10 ");
        let left: Vec<_> = fs::read_dir(root.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 2, "progress.toml and target, but {left:?}");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_the_file_stays_a_link() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let kept = elsewhere.path().join("mine.toml");
        fs::write(&kept, "version = 1\n").unwrap();
        std::os::unix::fs::symlink(&kept, root.path().join(FILE)).unwrap();
        Progress::update(root.path(), &ORDER, |p| p.step_mut("memory", "a").hints = 1).unwrap();
        assert!(
            fs::symlink_metadata(root.path().join(FILE))
                .unwrap()
                .is_symlink()
        );
        assert!(fs::read_to_string(kept).unwrap().contains("hints = 1"));
    }
}
