//! The results file: one JSON object per line, written whole or not at all, and never over another.

use crate::grade::Record;
use std::{
    fs,
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause} (choose another place with --output)", path.display())]
pub struct ResultsError {
    path: PathBuf,
    cause: io::Error,
}

/// A results file to be. Nothing is at its place until [`Results::finish`]; when dropped before, nothing is left.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl Results {
    /// Opens a temporary file beside `path`, so that a place that cannot be written is known before the work is done.
    ///
    /// # Errors
    /// When the folder cannot be written, or something that is not a regular file is at `path`.
    pub fn create(path: &Path) -> Result<Self, ResultsError> {
        let error = |cause| ResultsError {
            path: path.to_owned(),
            cause,
        };
        // A device or a pipe would be replaced by the file; a symlink's target is what is meant.
        let path = match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                return Err(error(io::Error::other("it is not a regular file")));
            }
            Ok(_) if path.is_symlink() => &path.canonicalize().map_err(error)?,
            Ok(_) => path,
            Err(_) => path,
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(".results-")
            // Readable as any file one writes; without this a temporary file is its owner's alone.
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(error)?;
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

    /// Puts the file in its place. One that is there already is kept as `<path>.1`, or the next free number, which is returned.
    ///
    /// # Errors
    /// When the disk is full or the older file cannot be kept; that one is then where it was.
    pub fn finish(self) -> Result<Option<PathBuf>, ResultsError> {
        let path = self.path;
        let error = |cause| ResultsError {
            path: path.clone(),
            cause,
        };
        let file = self
            .file
            .into_inner()
            .map_err(|failed| error(failed.into_error()))?;
        file.as_file().sync_all().map_err(error)?;
        let kept = keep(&path).map_err(error)?;
        file.persist(&path).map_err(|failed| error(failed.error))?;
        Ok(kept)
    }
}

/// Gives the file at `path` a second name; it loses the first one only when the new file takes it.
fn keep(path: &Path) -> io::Result<Option<PathBuf>> {
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(Some(name.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without hard links.
            Err(_) if !Path::new(&name).exists() => {
                return fs::rename(path, &name).map(|()| Some(name.into()));
            }
            Err(_) => {}
        }
    }
    unreachable!("some number is free")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::Status;

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
