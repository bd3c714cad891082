//! The keeper: a process that ends with a program's whole domain, and meanwhile holds it to limits that it has as a whole.
//!
//! Without a PID namespace or a cgroup, what a program started can leave its process group and its parent, but never its
//! Landlock domain. The keeper is in that domain. For it, "every process" in `kill(-1)` is every process that it may signal:
//! the domain. The kernel sends that signal under the lock that a fork takes, so that a fork bomb can't outrun it.

use super::pids;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{AtFlags, statat},
    io::Errno,
    process::{Pid, Signal, getpid, getppid, kill_process, kill_process_group, test_kill_process},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the limits are looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long processes may take to end once they are killed: the kernel frees their memory first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Entries of a folder after which nobody counts on.
const MOST_ENTRIES: usize = 20_000;

/// What is kept of a program, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Keeper {
    /// Where the keeper's process id goes, for a parent that waits for it.
    pub id: Option<PathBuf>,
    pub watch: Option<Watch>,
}

/// Limits of a domain as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Watch {
    /// Bytes of memory.
    pub memory: u64,
    /// Where is written that memory was exceeded.
    pub exceeded: PathBuf,
    /// Processes and threads.
    pub tasks: u64,
    /// A folder for temporary files, and how many bytes it may hold.
    pub scratch: (PathBuf, u64),
    /// Bytes of shared memory that has a name.
    pub blocks: u64,
}

/// A keeper whose files are open.
pub(super) struct Ready {
    id: Option<File>,
    watch: Option<Watching>,
}

struct Watching {
    limits: Watch,
    told: File,
    /// The folder of shared memory, opened while that was allowed, and the inodes that were there before.
    blocks: OwnedFd,
    older: BTreeSet<u64>,
}

impl Keeper {
    pub(super) fn open(&self) -> io::Result<Ready> {
        let open = |path: &Path| OpenOptions::new().append(true).open(path);
        let watch = self.watch.as_ref().map(|limits| {
            let blocks = OwnedFd::from(File::open("/dev/shm")?);
            io::Result::Ok(Watching {
                limits: limits.clone(),
                told: open(&limits.exceeded)?,
                older: named_blocks(&blocks).map(|(inode, _)| inode).collect(),
                blocks,
            })
        });
        Ok(Ready {
            id: self.id.as_deref().map(open).transpose()?,
            watch: watch.transpose()?,
        })
    }
}

impl Ready {
    /// Leaves a keeper behind, which ends the domain when `leader` has ended.
    pub(super) fn fork(self, leader: OwnedFd) -> io::Result<()> {
        match supervise::fork_sibling()? {
            Some(keeper) => match self.id {
                Some(mut file) => write!(file, "{}", keeper.as_raw_nonzero()),
                None => Ok(()),
            },
            None => keep(&leader, self.watch),
        }
    }
}

fn keep(leader: &OwnedFd, mut watch: Option<Watching>) -> ! {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        // Whoever reads the program's output or writes its input waits for the last that holds them.
        let _ = rustix::stdio::dup2_stdin(&null);
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
    // A keeper that could signal its parent isn't confined, and would kill whoever it may.
    let confined = getppid().is_none_or(|parent| test_kill_process(parent) == Err(Errno::PERM));
    if !confined {
        std::process::exit(1);
    }
    loop {
        match wait(leader, watch.is_some().then_some(TICK)) {
            Ok(true) => break,
            Ok(false) => {}
            Err(_) => break,
        }
        if let Some(watch) = &mut watch {
            watch.look();
        }
    }
    let until = Instant::now() + PATIENCE;
    loop {
        kill_domain();
        if Instant::now() > until || !members().any(is_alive) {
            std::process::exit(0);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for the leader's end. Whether it has ended.
fn wait(leader: &OwnedFd, at_most: Option<Duration>) -> io::Result<bool> {
    let timeout = at_most.map(|time| Timespec {
        tv_sec: 0,
        tv_nsec: time.subsec_nanos().into(),
    });
    let mut fds = [PollFd::from_borrowed_fd(leader.as_fd(), PollFlags::IN)];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Kills every process of the domain but this one.
fn kill_domain() {
    // The negative of process 1's id is `kill`'s "everybody whom I may signal".
    let _ = kill_process_group(Pid::INIT, Signal::KILL);
}

/// The processes that this one may signal, without itself.
fn members() -> impl Iterator<Item = Pid> {
    let own = getpid();
    pids().filter(move |pid| *pid != own && test_kill_process(*pid).is_ok())
}

fn is_alive(pid: Pid) -> bool {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let end_of_name = stat.iter().rposition(|&byte| byte == b')');
    let state = end_of_name.and_then(|end| stat.get(end + 2));
    !matches!(state, None | Some(b'Z' | b'X'))
}

impl Watching {
    /// Compares the domain with its limits, once.
    fn look(&mut self) {
        let all: Vec<Pid> = members().collect();
        let tasks = all.iter().map(|pid| tasks(*pid)).sum::<u64>();
        let (scratch, most) = &self.limits.scratch;
        if tasks > self.limits.tasks
            || size(scratch, &mut 0) > *most
            || self.new_blocks() > self.limits.blocks
        {
            kill_domain();
            return;
        }
        let most = self.limits.memory;
        let quick: u64 = all.iter().map(|pid| status(*pid, "RssAnon:")).sum();
        if quick + files_in_memory(&all) <= most {
            return;
        }
        // Pages that a fork shares were counted for each who has them.
        let exact: Vec<(u64, Pid)> = all.iter().map(|pid| (share(*pid), *pid)).collect();
        let sum = exact.iter().map(|(bytes, _)| bytes).sum::<u64>() + files_in_memory(&all);
        if sum <= most {
            return;
        }
        let _ = self.told.write_all(b"memory\n");
        // One process at a time, as the kernel does in a cgroup, unless none of them is to blame.
        match exact.iter().max_by_key(|(bytes, _)| *bytes) {
            Some((bytes, largest)) if *bytes >= most / 16 => {
                let _ = kill_process(*largest, Signal::KILL);
            }
            _ => kill_domain(),
        }
    }

    /// Bytes of this user's shared memory that was given a name meanwhile.
    fn new_blocks(&self) -> u64 {
        let new = named_blocks(&self.blocks).filter(|(inode, _)| !self.older.contains(inode));
        new.map(|(_, bytes)| bytes).sum()
    }
}

/// Inode and bytes of this user's files in the folder of shared memory.
fn named_blocks(folder: &OwnedFd) -> impl Iterator<Item = (u64, u64)> {
    let own = rustix::process::getuid().as_raw();
    let entries = rustix::fs::Dir::read_from(folder).into_iter().flatten();
    entries.flatten().filter_map(move |entry| {
        let found = statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let bytes = u64::try_from(found.st_blocks).unwrap_or(0) * 512;
        (found.st_uid == own).then_some((found.st_ino, bytes))
    })
}

fn tasks(pid: Pid) -> u64 {
    let folder = fs::metadata(format!("/proc/{}/task", pid.as_raw_nonzero()));
    folder.map_or(1, |folder| folder.nlink().saturating_sub(2))
}

/// A line of `/proc/<pid>/status` in bytes.
fn status(pid: Pid, name: &str) -> u64 {
    kibibytes(&format!("/proc/{}/status", pid.as_raw_nonzero()), name).unwrap_or(0)
}

/// A process's share of the memory that it uses, without files in memory.
fn share(pid: Pid) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero());
    kibibytes(&path, "Pss_Anon:").unwrap_or_else(|| status(pid, "RssAnon:"))
}

fn kibibytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number << 10)
}

/// Bytes of the files in memory that these processes have open, each counted once: a `memfd` needn't be mapped.
fn files_in_memory(all: &[Pid]) -> u64 {
    let mut sizes = BTreeMap::new();
    for pid in all {
        let folder = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()));
        for entry in folder.into_iter().flatten().flatten() {
            let link = fs::read_link(entry.path()).unwrap_or_default();
            if !(link.starts_with("/dev/shm") || link.to_string_lossy().starts_with("/memfd:")) {
                continue;
            }
            if let Ok(file) = fs::metadata(entry.path()) {
                sizes.insert((file.dev(), file.ino()), file.blocks() * 512);
            }
        }
    }
    sizes.values().sum()
}

/// Bytes on the disk below a folder; as many as can be if there are too many entries to count.
fn size(folder: &Path, entries: &mut usize) -> u64 {
    let mut bytes = 0u64;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        *entries += 1;
        if *entries > MOST_ENTRIES {
            return u64::MAX;
        }
        let Ok(found) = entry.metadata() else {
            continue;
        };
        bytes = bytes.saturating_add(found.blocks() * 512);
        if found.is_dir() {
            bytes = bytes.saturating_add(size(&entry.path(), entries));
        }
    }
    bytes
}
