//! Remembers how far the reader is, in one small file that people can read and carry to another machine.
//!
//! `progress.toml` is derived from test results: a step is solved when all its tests passed on the text
//! that its file holds now. Editing the file makes the step unchecked, not unsolved for ever: the day it
//! was first solved stays.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The name of the file, at the root of the course.
pub const FILE: &str = "progress.toml";
const VERSION: u32 = 1;
const HEADER: &str = "\
# How far you are in \"Process vs Thread in Python\". Written by `cargo course`, from test results.
# Carry it along when you move to another machine, together with your `exercises` folder.
";

/// What was done so far: chapter, step, record.
#[derive(Debug, Default, PartialEq)]
pub struct Progress {
    chapters: BTreeMap<String, BTreeMap<String, Step>>,
}

/// The record of one step.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// When all its tests passed for the first time (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solved: Option<String>,
    /// When the reader asked for the answer without having solved it (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<String>,
    /// How many hints were shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub hints: usize,
    /// How many tests passed in the last check.
    pub passed: usize,
    /// How many tests the last check ran.
    pub total: usize,
    /// The digest of the step's file in the last check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Why progress could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there but says nothing that we understand.
    #[error(
        "{}: line {line}: {what} (mend that line, or move the file away to start anew; the file was left as it is)",
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
        "{}: written by a newer version of the course, {found} (update the course with `git pull`; the file was left as it is)",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it names.
        found: u32,
    },
    /// The file cannot be read.
    #[error("{}: cannot read: {source} (make it readable, or move it away to start anew)", path.display())]
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

/// The file as TOML sees it.
#[derive(Deserialize)]
struct Document {
    version: u32,
    #[serde(flatten)]
    chapters: BTreeMap<String, BTreeMap<String, Step>>,
}

impl Progress {
    /// Reads the file; a missing one means that nothing was done yet.
    pub fn load(root: &Path) -> Result<Self, Error> {
        let path = root.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => Self::parse(&path, bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Reads the file, changes it, and writes it back if that changed anything.
    ///
    /// `order` lists (chapter, step) in the order in which the file shall list them.
    /// Two commands at once (a `watch` here, a `hint` there) take turns, so neither undoes the other.
    pub fn update<T>(
        root: &Path,
        order: &[(&str, &str)],
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Error> {
        let _turn = take_turn(root)?;
        let before = Self::load(root)?;
        let mut after = Progress {
            chapters: before.chapters.clone(),
        };
        let answer = change(&mut after);
        if after != before {
            after.save(root, order)?;
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

    fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        let corrupt = |offset: usize, what: &str| Error::Corrupt {
            path: path.to_owned(),
            line: 1 + bytes[..offset].iter().filter(|b| **b == b'\n').count(),
            what: what.lines().collect::<Vec<_>>().join(", "),
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| corrupt(error.valid_up_to(), "this is no UTF-8 text"))?;
        // The version first: a later course may have put things here that we cannot know.
        let table: toml::Table = toml::from_str(text)
            .map_err(|error| corrupt(error.span().map_or(0, |span| span.start), error.message()))?;
        if let Some(found) = table.get("version").and_then(toml::Value::as_integer)
            && found > i64::from(VERSION)
        {
            return Err(Error::Newer {
                path: path.to_owned(),
                found: u32::try_from(found).unwrap_or(u32::MAX),
            });
        }
        let document: Document = toml::from_str(text)
            .map_err(|error| corrupt(error.span().map_or(0, |span| span.start), error.message()))?;
        if document.version != VERSION {
            let what = format!("version {} is not known", document.version);
            return Err(corrupt(0, &what));
        }
        Ok(Progress {
            chapters: document.chapters,
        })
    }

    fn save(&self, root: &Path, order: &[(&str, &str)]) -> Result<(), Error> {
        let path = root.join(FILE);
        // A reader may keep the file elsewhere, behind a link: write there, and the link stays.
        let path = path.canonicalize().unwrap_or(path);
        let text = self.render(order);
        write_whole(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
    }

    fn render(&self, order: &[(&str, &str)]) -> String {
        let place = |chapter: &str, step: &str| {
            let found = order.iter().position(|known| *known == (chapter, step));
            found.unwrap_or(order.len())
        };
        let mut records: Vec<_> = self
            .chapters
            .iter()
            .flat_map(|(chapter, steps)| {
                steps
                    .iter()
                    .map(move |(step, record)| (chapter, step, record))
            })
            .filter(|(_, _, record)| **record != Step::default())
            .collect();
        records.sort_by_key(|(chapter, step, _)| place(chapter, step));
        let mut text = format!("{HEADER}version = {VERSION}\n");
        for (chapter, step, record) in records {
            let [chapter, step] = [chapter, step].map(|name| toml::Value::from(name.as_str()));
            // Names are Rust identifiers, which TOML takes bare; whatever else a reader wrote stays quoted.
            let [chapter, step] = [chapter, step].map(|name| bare(&name.to_string()));
            let record = toml::to_string(record).expect("a flat record of strings and numbers");
            text += &format!("\n[{chapter}.{step}]\n{record}");
        }
        text
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

/// Writes a whole file or none: to a temporary file beside it, then renamed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let mut file = tempfile::Builder::new().prefix(&name).tempfile_in(folder)?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Waits until no other command is changing the file. The turn ends when the answer is dropped.
fn take_turn(root: &Path) -> Result<File, Error> {
    // In `target`, which git ignores: the file itself is replaced by every write and so cannot hold the lock.
    let path = root.join("target").join("progress.lock");
    let lock = || {
        fs::create_dir_all(root.join("target"))?;
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|source| Error::Write {
        path: path.clone(),
        source,
    })
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

fn bare(quoted: &str) -> String {
    let name = quoted.trim_matches('"');
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        quoted.to_owned()
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
            "{HEADER}version = 1\n\n\
             [memory.lost_updates]\nsolved = \"2026-11-22T18:54:00Z\"\npassed = 5\ntotal = 5\nsource = \"sha256:00\"\n\n\
             [memory.copy_on_write]\nhints = 2\npassed = 0\ntotal = 0\n"
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
            binary.starts_with("/progress.toml: line 2: this is no UTF-8"),
            "{binary}"
        );
        let foreign = error_for(b"version = 1\n[memory.lost_updates]\nhints = \"two\"\n");
        assert!(foreign.starts_with("/progress.toml: line "), "{foreign}");
        let misspelt = error_for(b"version = 1\n[memory.lost_updates]\nhint = 2\n");
        assert!(misspelt.contains("unknown field `hint`"), "{misspelt}");
        let empty = error_for(b"");
        assert!(empty.contains("missing field `version`"), "{empty}");
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
