//! Folders for the time of one command. After a crash or a kill, the next command removes them.
//!
//! The owner holds an advisory lock on its folder, which the kernel releases however the owner ends. A folder that
//! nobody holds is abandoned.

use crate::{is_still_at, unique};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// A folder that is removed when this value is dropped, or by the next [`Scratch::create`] beside it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes a folder in `parent` whose name starts with `prefix`, and removes abandoned ones of that prefix.
    ///
    /// # Errors
    /// When `parent` cannot be made or written.
    pub fn create(parent: &Path, prefix: &str) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        for (path, lock) in siblings(parent, prefix) {
            if lock.try_lock().is_ok() {
                let _ = fs::remove_dir_all(path);
            }
        }
        loop {
            let path = parent.join(format!("{prefix}{}", unique()));
            fs::create_dir(&path)?;
            let lock = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            lock.lock()?;
            // Another command's sweep may have taken it for abandoned before we had the lock.
            if is_still_at(&lock, &path)? {
                return Ok(Self { path, _lock: lock });
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now, the next command sweeps.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The folders in `parent` that a running process holds under this prefix.
#[must_use]
pub fn held(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    siblings(parent, prefix)
        .filter(|(_, lock)| matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
        .map(|(path, _)| path)
        .collect()
}

fn siblings(parent: &Path, prefix: &str) -> impl Iterator<Item = (PathBuf, File)> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter(move |entry| {
        entry.file_name().to_string_lossy().starts_with(prefix)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    });
    ours.filter_map(|entry| Some((entry.path(), File::open(entry.path()).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_are_held_and_the_abandoned_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let abandoned = parent.path().join("x-1");
        fs::create_dir_all(abandoned.join("deep")).unwrap();
        fs::create_dir(parent.path().join("other")).unwrap();
        let first = Scratch::create(parent.path(), "x-").unwrap();
        assert!(!abandoned.exists());
        let second = Scratch::create(parent.path(), "x-").unwrap();
        assert!(first.path().is_dir() && second.path().is_dir());
        let mut held = held(parent.path(), "x-");
        held.sort();
        let mut expected = [first.path().to_owned(), second.path().to_owned()];
        expected.sort();
        assert_eq!(held, expected);
        drop((first, second));
        let left: Vec<_> = fs::read_dir(parent.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "only `other`: {left:?}");
    }

    #[test]
    fn many_at_once_never_sweep_each_other() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let mine = Scratch::create(parent.path(), "x-").unwrap();
                        fs::write(mine.path().join("file"), "text").unwrap();
                    }
                });
            }
        });
    }
}
