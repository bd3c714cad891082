//! Temporary files of this process, in one locked folder: the next grader removes what a killed one left.
//!
//! The lock is the kernel's, on the folder itself, so it ends with the process, however that ends. A process id would not do:
//! graders in two containers may share a folder for temporary files, and ids are used again.

use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tempfile::{Builder, NamedTempFile, TempDir};

const PREFIX: &str = "course-scratch-";

/// How often a folder is made anew when another grader takes it for an abandoned one before it is locked.
const TRIES: usize = 10;

static CURRENT: Mutex<Weak<Home>> = Mutex::new(Weak::new());

/// The folder of this process.
#[derive(Debug)]
struct Home {
    folder: TempDir,
    _lock: File,
}

/// A temporary folder, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    // Dropped in this order.
    folder: TempDir,
    _home: Arc<Home>,
}

/// A temporary file, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: NamedTempFile,
    _home: Arc<Home>,
}

/// Makes a folder.
pub(crate) fn folder(prefix: &str) -> io::Result<Folder> {
    let home = home()?;
    Ok(Folder {
        folder: Builder::new().prefix(prefix).tempdir_in(&home.folder)?,
        _home: home,
    })
}

/// Makes a file.
pub(crate) fn file(prefix: &str) -> io::Result<TempFile> {
    let home = home()?;
    Ok(TempFile {
        file: Builder::new().prefix(prefix).tempfile_in(&home.folder)?,
        _home: home,
    })
}

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl TempFile {
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn as_file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }
}

/// The folder of this process, made when it is first needed and removed when nothing is in it any more.
fn home() -> io::Result<Arc<Home>> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(home) = current.upgrade() {
        return Ok(home);
    }
    let parent = std::env::temp_dir();
    sweep(&parent);
    for _ in 0..TRIES {
        // What is inside says who may look into it: at L1 a submission's own folder belongs to another user.
        let folder = Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o711))
            .tempdir_in(&parent)?;
        if let Ok(Some(lock)) = lock(folder.path()) {
            let home = Arc::new(Home {
                folder,
                _lock: lock,
            });
            *current = Arc::downgrade(&home);
            return Ok(home);
        }
    }
    Err(io::Error::other(
        "a folder for temporary files can't be kept",
    ))
}

/// Removes the folders of graders that were killed, and ends the sandboxes that name them. What can't be removed stays.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && let Ok(Some(_lock)) = lock(&entry.path()) {
            #[cfg(target_os = "linux")]
            linux::end_sandboxes(&entry.path());
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path};

    /// Ends what bubblewrap left of the sandboxes whose command lines name this folder, or something in it.
    ///
    /// A sandbox dies with its grader. But bubblewrap forks, and only then does its child ask to die with it: killed between
    /// the two, it leaves a child that waits for its first word forever.
    pub(super) fn end_sandboxes(folder: &Path) {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.parse().ok());
            let Some(pid) = pid.and_then(Pid::from_raw) else {
                continue;
            };
            if !is_sandbox(&entry.path(), folder) {
                continue;
            }
            // The id may have become another's meanwhile. What the descriptor refers to stays the same.
            if let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
                && is_sandbox(&entry.path(), folder)
            {
                let _ = pidfd_send_signal(process, Signal::KILL);
            }
        }
    }

    fn is_sandbox(process: &Path, folder: &Path) -> bool {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let mut words = line
            .split(|byte| *byte == 0)
            .map(|word| Path::new(OsStr::from_bytes(word)));
        let program = words.next().and_then(Path::file_name);
        program == Some("bwrap".as_ref()) && words.any(|word| word.starts_with(folder))
    }
}

/// Locks a folder of this user's; `None` while somebody else has it, or when it was removed meanwhile.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let (locked, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    let same = (locked.dev(), locked.ino()) == (there.dev(), there.ino());
    let mine = locked.uid() == rustix::process::geteuid().as_raw();
    Ok((same && mine).then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let parent = tempfile::tempdir().expect("a folder");
        let [held, left, other] = [format!("{PREFIX}1"), format!("{PREFIX}2"), "x".to_owned()]
            .map(|name| parent.path().join(name));
        for folder in [&held, &left, &other] {
            fs::create_dir_all(folder.join("inside")).expect("a folder");
        }
        let lock = lock(&held).expect("it is there");
        sweep(parent.path());
        assert_eq!(
            [&held, &left, &other].map(|path| path.exists()),
            [true, false, true]
        );
        drop(lock);
        sweep(parent.path());
        assert!(!held.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn half_a_sandbox_ends_with_its_folder() {
        use std::{
            os::unix::process::CommandExt,
            process::{Command, Stdio},
        };

        let parent = tempfile::tempdir().expect("a folder");
        let [held, left] = ["1", "2"].map(|name| parent.path().join(format!("{PREFIX}{name}")));
        let mut waiting = [
            ("/usr/bin/bwrap", &held),
            ("/usr/bin/bwrap", &left),
            ("cat", &left),
        ]
        .map(|(name, folder)| {
            fs::create_dir_all(folder).expect("a folder");
            let mut command = Command::new("cat");
            command.arg0(name).arg("-").arg(folder.join("unit"));
            command.stdin(Stdio::piped()).stderr(Stdio::null());
            command.spawn().expect("cat starts")
        });
        let _lock = lock(&held).expect("it is there");
        sweep(parent.path());

        // Whoever wasn't killed ends with its input, and misses the file.
        let ends = waiting.each_mut().map(|process| {
            drop(process.stdin.take());
            process.wait().expect("a child").code()
        });
        assert_eq!(ends, [Some(1), None, Some(1)]);
    }

    #[test]
    fn the_folder_goes_with_the_last_that_is_in_it() {
        let one = folder("one-").expect("a folder");
        let home = one.path().parent().expect("it has one").to_owned();
        drop(one);
        // Other tests of this process may use it, too.
        let two = file("two-").expect("a file");
        assert!(two.path().exists());
        assert!(home.exists() || two.path().parent() != Some(&home));
    }
}
