//! The results file: one JSON object per line, written whole or not at all, and never over another.

use crate::grade::Record;
use files::write::AtomicFile;
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause} (choose another place with --output)", path.display())]
pub struct ResultsError {
    path: PathBuf,
    cause: io::Error,
}

/// A results file in the making. Nothing changes at its path until [`Results::finish`]; if dropped before, nothing is left.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: BufWriter<AtomicFile>,
}

impl Results {
    /// Opens a temporary file beside `path`, so that a path that can't be written is reported before the work is done.
    ///
    /// # Errors
    /// When the folder can't be written, or something other than a regular file is at `path`.
    pub fn create(path: &Path) -> Result<Self, ResultsError> {
        let file = AtomicFile::create(path).map_err(|cause| ResultsError {
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    /// Adds one record.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, record: &Record) -> Result<(), ResultsError> {
        let written = serde_json::to_writer(&mut self.file, record)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|cause| ResultsError {
            path: self.path.clone(),
            cause,
        })
    }

    /// Moves the file to its path. An older one is kept as `<path>.1`, or under the next free number, which is returned.
    ///
    /// # Errors
    /// When the disk is full or the older file can't be kept; the older file is then unchanged.
    pub fn finish(self) -> Result<Option<PathBuf>, ResultsError> {
        let path = self.path;
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error);
        file.and_then(AtomicFile::commit_with_backup)
            .map_err(|cause| ResultsError { path, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::Status;
    use std::fs;

    fn record(test: &str) -> Record {
        Record {
            submission: "ann".to_owned(),
            exercise: "memory".to_owned(),
            step: "a".to_owned(),
            test: test.to_owned(),
            status: Status::CompileError,
            seconds: 0.5,
            message: "two\nlines \u{1b}[31m".to_owned(),
            why: None,
            section: None,
            sandbox: "none".to_owned(),
        }
    }

    fn write(path: &Path, test: &str) -> Option<PathBuf> {
        let mut results = Results::create(path).expect("a place");
        results.add(&record(test)).expect("room");
        results.finish().expect("in place")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().display().to_string())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_record_is_one_line_with_stable_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.jsonl");
        assert_eq!(write(&path, "a::x"), None);
        let text = fs::read_to_string(&path).expect("written");
        assert_eq!(
            text,
            "{\"submission\":\"ann\",\"exercise\":\"memory\",\"step\":\"a\",\"test\":\"a::x\",\"status\":\"compile_error\",\
             \"seconds\":0.5,\"message\":\"two\\nlines \\u001b[31m\",\"why\":null,\"section\":null,\"sandbox\":\"none\"}\n"
        );
        assert_eq!(
            serde_json::from_str::<Record>(&text).expect("read back"),
            record("a::x")
        );
    }

    #[test]
    fn older_results_are_kept_under_the_next_free_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.jsonl");
        fs::write(&path, "not even JSON").expect("an old file");
        fs::write(folder.path().join("results.jsonl.1"), "older").expect("an old file");
        let kept = write(&path, "a::x").expect("kept");
        assert_eq!(kept, folder.path().join("results.jsonl.2"));
        assert_eq!(fs::read_to_string(kept).expect("there"), "not even JSON");
        assert_eq!(
            fs::read_to_string(folder.path().join("results.jsonl.1")).expect("there"),
            "older"
        );
        assert!(fs::read_to_string(path).expect("there").contains("a::x"));
    }

    #[test]
    fn unfinished_results_leave_nothing_and_touch_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.jsonl");
        fs::write(&path, "old").expect("an old file");
        let mut results = Results::create(&path).expect("a place");
        results.add(&record("a::x")).expect("room");
        drop(results);
        assert_eq!(names(folder.path()), ["results.jsonl"]);
        assert_eq!(fs::read_to_string(&path).expect("there"), "old");
    }

    #[test]
    fn a_symlink_stays_and_what_it_points_to_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, link] = ["results.jsonl", "latest"].map(|name| folder.path().join(name));
        fs::write(&path, "old").expect("an old file");
        std::os::unix::fs::symlink(&path, &link).expect("a symlink");
        let kept = write(&link, "a::x").expect("kept");
        assert_eq!(fs::read_to_string(kept).expect("there"), "old");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert!(fs::read_to_string(&path).expect("there").contains("a::x"));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_before_the_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let device = Results::create(Path::new("/dev/null"))
            .expect_err("refused")
            .to_string();
        assert!(
            device.starts_with("cannot write /dev/null: it is not a regular file"),
            "{device}"
        );
        for path in [
            folder.path().to_owned(),
            folder.path().join("missing/results.jsonl"),
        ] {
            let error = Results::create(&path).expect_err("refused").to_string();
            assert!(
                error.starts_with(&format!("cannot write {}: ", path.display())),
                "{error}"
            );
        }
    }
}
