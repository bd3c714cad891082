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
        let mapped = mapped();
        for name in new {
            if !name.to_str().is_some_and(|name| mapped.contains(name)) {
                let _ = fs::remove_file(Path::new(SHARED_MEMORY).join(name));
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

/// The names of the blocks that processes have mapped, as far as it can be read: once for all names, of which there may be many.
fn mapped() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let maps = entries.filter_map(|entry| fs::read_to_string(entry.path().join("maps")).ok());
    maps.flat_map(|maps| names_in(&maps)).collect()
}

/// The names of blocks in `/proc/<pid>/maps`.
fn names_in(maps: &str) -> BTreeSet<String> {
    let paths = maps
        .lines()
        .filter_map(|line| line.split_once(SHARED_MEMORY));
    paths
        .filter_map(|(_, rest)| rest.strip_prefix('/').map(str::to_owned))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_blocks_are_found_among_mappings() {
        let maps = "\
7f0000000000-7f0000001000 rw-s 00000000 00:18 12  /dev/shm/psm_1f
7f0000001000-7f0000002000 rw-s 00000000 00:18 13  /dev/shm/a name
7f0000002000-7f0000003000 r--p 00000000 fe:00 14  /usr/lib/libc.so.6
7f0000003000-7f0000004000 rw-s 00000000 00:18 12  /dev/shm/psm_1f
";
        let names: Vec<_> = names_in(maps).into_iter().collect();
        assert_eq!(names, ["a name", "psm_1f"]);
    }
}
