//! The results file: one JSON object per line, written whole or not at all, and never over another.
//!
//! While a class is judged, what is known goes to a journal beside it, `<path>.partial`: one line per unit, flushed to the disk
//! before the next unit's begins. A grader that is killed, at whatever moment, loses at most the unit at hand. The next one
//! with the same output takes over what is still valid: a unit's key is a digest of all that its verdict depends on. It is the order
//! of the lines that counts in the journal; no time is written down or compared, so a clock that is set back changes nothing.

use crate::{grade::Record, runner::Status};
use files::write::AtomicFile;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The system refuses.
    #[error("cannot write {}: {cause} (choose another place with --output)", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// There is no room.
    #[error("cannot write {}: {cause} (free some space, then run the same command again: it continues from there)", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// Another grader has the same output.
    #[error("another grader is writing {} (wait for it, or choose another place with --output)", .0.display())]
    Busy(PathBuf),
}

/// What became of a unit, in the journal.
#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    unit: Cow<'a, str>,
    records: Cow<'a, [Record]>,
}

/// A results file in the making. Nothing changes at its path until [`Results::finish`]; if dropped before, the journal stays.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    journal: PathBuf,
    file: File,
    /// What an earlier grader found out.
    known: BTreeMap<String, Vec<Record>>,
}

impl Results {
    /// Opens the journal beside `path` and reads what an interrupted grader left there. A path that can't be written is
    /// reported before the work is done.
    ///
    /// # Errors
    /// When the folder can't be written, something other than a regular file is at `path`, or another grader is at work.
    pub fn open(path: &Path) -> Result<Self, ResultsError> {
        let at = |cause| ResultsError::Write {
            path: path.to_owned(),
            cause,
        };
        drop(AtomicFile::create(path).map_err(at)?);
        let mut journal = path.as_os_str().to_owned();
        journal.push(".partial");
        let journal = PathBuf::from(journal);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&journal)
            .map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ResultsError::Busy(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(at(cause)),
        }
        let mut results = Self {
            path: path.to_owned(),
            journal,
            file,
            known: BTreeMap::new(),
        };
        results.read().map_err(at)?;
        Ok(results)
    }

    /// Reads the journal, and cuts off a line that a killed grader didn't finish.
    fn read(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        let mut valid = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            // A line that is no entry, from a disk that lost it, costs a unit and no more.
            if let Ok(entry) = serde_json::from_slice::<Entry<'_>>(line) {
                self.known
                    .insert(entry.unit.into_owned(), entry.records.into_owned());
            }
            valid += line.len();
        }
        if valid < bytes.len() {
            self.file.set_len(valid as u64)?;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Hands over what an earlier grader found out about a unit. A class is kept in memory once, not here as well.
    #[must_use]
    pub fn take(&mut self, unit: &str) -> Option<Vec<Record>> {
        self.known.remove(unit)
    }

    /// Adds what became of a unit; on the disk when this returns. What could not be judged because of us isn't kept: the next
    /// grader tries again.
    ///
    /// # Errors
    /// When the disk is full. What was added before stays.
    pub fn add(&mut self, unit: &str, records: &[Record]) -> Result<(), ResultsError> {
        let is_ours = |record: &Record| record.status == Status::InfrastructureError;
        if records.iter().any(is_ours) {
            return Ok(());
        }
        let entry = Entry {
            unit: unit.into(),
            records: records.into(),
        };
        let mut line = serde_json::to_vec(&entry).map_err(|error| self.error(error.into()))?;
        line.push(b'\n');
        let begin = self
            .file
            .metadata()
            .map_err(|error| self.error(error))?
            .len();
        let written = self.file.write_all(&line);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // Half a line would make the next one unreadable.
            let _ = self.file.set_len(begin);
            return Err(self.error(error));
        }
        Ok(())
    }

    fn error(&self, cause: io::Error) -> ResultsError {
        let path = self.path.clone();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ResultsError::Full { path, cause }
            }
            _ => ResultsError::Write { path, cause },
        }
    }

    /// Writes `records` to the path and removes the journal, unless some of them could not be judged because of us: then the next
    /// grader tries those alone. An older file is kept as `<path>.1`, or under the next free number, which is returned.
    ///
    /// # Errors
    /// When the disk is full or the older file can't be kept; the older file and the journal are then unchanged.
    pub fn finish<'a>(
        self,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<Option<PathBuf>, ResultsError> {
        let mut is_whole = true;
        let write = || {
            let mut file = BufWriter::new(AtomicFile::create(&self.path)?);
            for record in records {
                is_whole &= record.status != Status::InfrastructureError;
                serde_json::to_writer(&mut file, record)?;
                file.write_all(b"\n")?;
            }
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.commit_with_backup()
        };
        let kept = write().map_err(|error| self.error(error))?;
        if is_whole {
            // Should this fail, the next grader knows all of it already.
            let _ = fs::remove_file(&self.journal);
        }
        Ok(kept)
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        // Nothing in it is nothing to keep.
        if self.file.metadata().is_ok_and(|found| found.len() == 0) {
            let _ = fs::remove_file(&self.journal);
        }
        // Closing alone does not unlock while a child that another thread forks holds a copy of the descriptor, until its exec.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests;
