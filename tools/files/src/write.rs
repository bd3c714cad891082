//! Writes a file whole or not at all, keeping its mode, its symlink and, if asked, the old text.
//!
//! The new text goes to a hidden neighbor (`.NAME.….tmp~`) that is renamed over the file once it is complete. The
//! writer holds an advisory lock on the neighbor, so [`sweep`] can tell one that a killed process left behind.

use crate::{is_still_at, unique};
use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

const ENDING: &str = ".tmp~";

/// Replaces the file at `path` with `bytes`. On an error the old file is as it was.
///
/// # Errors
/// When the folder or the disk refuses, or when something other than a regular file is at `path`.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// A file to be. Nothing changes at its path until [`AtomicFile::commit`]; if dropped before, nothing is left.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Opens the temporary neighbor of `path`, so that a place that cannot be written is known before the work is done.
    ///
    /// A symlink stays: its target is replaced. A new file gets the usual mode, an old one keeps its own.
    ///
    /// # Errors
    /// When the folder cannot be written, or something other than a regular file is at `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        let target = resolve(path)?;
        let old = match fs::metadata(&target) {
            Ok(found) if !found.is_file() => {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok(found) => Some(found.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let folder = folder_of(&target);
        sweep(folder);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        loop {
            let temporary = folder.join(format!(".{name}.{}{ENDING}", unique()));
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&temporary)?;
            file.lock()?;
            // A sweep in between has taken it for abandoned.
            if !is_still_at(&file, &temporary)? {
                continue;
            }
            let new = Self {
                file,
                temporary,
                target,
            };
            if let Some(permissions) = old {
                new.file.set_permissions(permissions)?;
            }
            return Ok(new);
        }
    }

    /// Puts the complete file in its place, in one step.
    ///
    /// # Errors
    /// When the disk is full or the folder refuses; the old file is then as it was.
    pub fn commit(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.target)
    }

    /// Puts the complete file in its place and keeps the old one as `<path>.1`, or the next free number. Returns that
    /// path, or `None` when there was no old file.
    ///
    /// The old file keeps its name until the new one takes it: no crash leaves the path empty.
    ///
    /// # Errors
    /// When the disk is full or the old file cannot be kept; it is then where it was.
    pub fn commit_with_backup(self) -> io::Result<Option<PathBuf>> {
        self.file.sync_all()?;
        let kept = keep(&self.target)?;
        fs::rename(&self.temporary, &self.target)?;
        Ok(kept)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit this name is gone, which is as well.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Removes what killed writers left in `folder`. Files that a living writer holds stay.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with('.') && name.ends_with(ENDING)) {
            continue;
        }
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if let Some(file) = is_file.then(|| File::open(entry.path()).ok()).flatten()
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Gives the file at `path` a second name, which stays when a new file takes the first.
fn keep(path: &Path) -> io::Result<Option<PathBuf>> {
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let name = PathBuf::from(name);
        match fs::hard_link(path, &name) {
            Ok(()) => return Ok(Some(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without hard links: a copy, never a rename, which would leave the path empty.
            Err(_) => match copy_new(path, &name) {
                Ok(()) => return Ok(Some(name)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            },
        }
    }
    unreachable!("some number is free")
}

fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = OpenOptions::new().write(true).create_new(true).open(to)?;
    let copied = io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all());
    if copied.is_err() {
        let _ = fs::remove_file(to); // half a backup looks like a whole one
    }
    copied
}

/// The file that a chain of symlinks leads to, whether it exists or not.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str() != OsStr::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn keeps_the_mode_and_leaves_no_neighbor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        write_atomic(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_atomic(&path, b"two").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (fs::read(&path).unwrap(), mode),
            (b"two".to_vec(), 0o640),
            "text and mode"
        );
        assert_eq!(names(folder.path()), ["a.rs"]);
    }

    #[test]
    fn a_symlink_stays_one_even_if_it_dangles() {
        let folder = tempfile::tempdir().unwrap();
        let [link, target] = ["link", "target"].map(|name| folder.path().join(name));
        symlink("target", &link).unwrap();
        for text in ["new", "newer"] {
            write_atomic(&link, text.as_bytes()).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        symlink("circle", folder.path().join("circle")).unwrap();
        assert!(write_atomic(&folder.path().join("circle"), b"").is_err());
    }

    #[test]
    fn what_is_no_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(folder.path(), b"").unwrap_err();
        assert_eq!(error.to_string(), "it is not a regular file");
    }

    #[test]
    fn a_backup_never_leaves_the_path_empty_and_never_takes_a_taken_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let put = |text: &str| {
            let mut file = AtomicFile::create(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.commit_with_backup().unwrap()
        };
        assert_eq!(put("0"), None);
        for number in 1..4 {
            let kept = put(&number.to_string()).unwrap();
            assert_eq!(kept, folder.path().join(format!("r.{number}")));
            let text = fs::read_to_string(kept).unwrap();
            assert_eq!(text, (number - 1).to_string());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "3");
    }

    #[test]
    fn what_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(names(folder.path()), ["r"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn a_sweep_takes_what_the_dead_left_and_spares_the_living() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".a.rs.1-2-3.tmp~"), "half").unwrap();
        let living = AtomicFile::create(&folder.path().join("b.rs")).unwrap();
        sweep(folder.path());
        assert_eq!(names(folder.path()).len(), 1, "{:?}", names(folder.path()));
        living.commit().unwrap();
        assert_eq!(names(folder.path()), ["b.rs"]);
    }

    #[test]
    fn many_writers_at_once_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        std::thread::scope(|scope| {
            for letter in [b'a', b'b', b'c', b'd'] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_atomic(path, &[letter; 1000]).unwrap();
                    }
                });
            }
        });
        let text = fs::read(&path).unwrap();
        assert!(text.len() == 1000 && text.iter().all(|byte| *byte == text[0]));
        assert_eq!(names(folder.path()), ["r"]);
    }
}
