//! What a unit leaves behind where no namespace ends with it: processes, shared memory, folders that nobody can remove.

use rustix::process::{Pid, WaitOptions, waitpid};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

const SHARED_MEMORY: &str = "/dev/shm";

/// A keeper gives up after five seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Waits until a keeper has ended the domain it keeps. It is a child of this process.
pub(super) fn wait_for(keeper: i32) {
    let Some(pid) = Pid::from_raw(keeper) else {
        return;
    };
    let until = Instant::now() + PATIENCE;
    // An error: it isn't there any more.
    while matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)) && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The blocks of shared memory that a user had when a unit began.
#[derive(Debug)]
pub(super) struct SharedMemory {
    user: Option<u32>,
    before: BTreeSet<OsString>,
}

impl SharedMemory {
    /// Those of `user`, who runs nothing but the unit, or else of the user who grades.
    pub(super) fn of(user: Option<u32>) -> Self {
        let own = || rustix::process::geteuid().as_raw();
        let mut blocks = Self {
            user: Some(user.unwrap_or_else(own)),
            before: BTreeSet::new(),
        };
        if user.is_none() {
            blocks.before = blocks.list().collect();
        }
        blocks
    }

    /// For a unit that can't make any.
    pub(super) fn none() -> Self {
        Self {
            user: None,
            before: BTreeSet::new(),
        }
    }

    /// Removes what is new, but for what another program of this user's maps.
    pub(super) fn remove_new(&self) {
        let new: Vec<_> = self
            .list()
            .filter(|name| !self.before.contains(name))
            .collect();
        if new.is_empty() {
            return;
        }
        let maps = mappings();
        for name in new {
            let path = Path::new(SHARED_MEMORY).join(name);
            let mapped = path.to_str().is_some_and(|path| maps.contains(path));
            if !mapped {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn list(&self) -> impl Iterator<Item = OsString> {
        let entries = self.user.map(|_| fs::read_dir(SHARED_MEMORY));
        let entries = entries.into_iter().flatten().flatten().flatten();
        entries.filter_map(|entry| {
            let found = entry.metadata().ok()?;
            (Some(found.uid()) == self.user && found.is_file()).then(|| entry.file_name())
        })
    }
}

/// What all processes have mapped, as far as it can be read.
fn mappings() -> String {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let maps = entries.filter_map(|entry| fs::read_to_string(entry.path().join("maps")).ok());
    maps.collect()
}

/// Gives its owner back the rights to remove what is in a folder.
pub(super) fn make_removable(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700));
            make_removable(&entry.path());
        }
    }
}
