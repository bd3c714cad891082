//! What a program left running: processes that outlived it, in its process group or out of it.

#[cfg(target_os = "linux")]
pub(crate) use linux::processes;

/// A process that outlived the program that started it. It has been killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its id.
    pub pid: u32,
    /// Its name, as the kernel has it.
    pub name: String,
    /// Whether it was still in the program's process group.
    pub in_group: bool,
}

/// The environment variable that marks everything that one run starts. A run within a run adds its mark to the list.
pub const MARK: &str = "SUPERVISED_BY";

/// A value for [`MARK`] that no other run on this machine has.
pub(crate) fn mark() -> String {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::{SystemTime, UNIX_EPOCH},
    };
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // A pid alone is reused, and is the same in every container.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "{}.{}.{}",
        std::process::id(),
        now.map_or(0, |now| now.as_nanos()),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Leftover, MARK};
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    use std::{collections::BTreeMap, fs};

    /// What `/proc/<pid>/stat` says of a process.
    pub(crate) struct Process {
        pub(crate) pid: u32,
        name: String,
        pub(crate) state: char,
        pub(crate) parent: u32,
        pub(crate) group: u32,
        /// Processor time of all its threads, and of the children that it has waited for.
        pub(crate) ticks: u64,
        /// When it started: with the pid, this tells it from every other process since boot.
        started: u64,
    }

    impl Process {
        fn read(pid: u32) -> Option<Self> {
            let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
            let stat = String::from_utf8_lossy(&stat);
            // `pid (name) state ppid pgrp …`: the name may hold spaces and parentheses.
            let (before, after) = stat.rsplit_once(") ")?;
            let (_, name) = before.split_once('(')?;
            let words: Vec<&str> = after.split(' ').collect();
            let number = |index: usize| words.get(index)?.parse::<u64>().ok();
            let id = |index: usize| words.get(index)?.parse::<u32>().ok();
            Some(Self {
                pid,
                name: name.to_owned(),
                state: words.first()?.chars().next()?,
                parent: id(1)?,
                group: id(2)?,
                ticks: (11..=14).filter_map(number).sum(),
                started: number(19)?,
            })
        }

        fn is_alive(&self) -> bool {
            !matches!(self.state, 'Z' | 'X')
        }

        /// The states of all its threads.
        pub(crate) fn states(&self) -> impl Iterator<Item = char> {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.pid));
            tasks.into_iter().flatten().flatten().filter_map(|task| {
                let stat = fs::read(task.path().join("stat")).ok()?;
                let stat = String::from_utf8_lossy(&stat);
                stat.rsplit_once(") ")?.1.chars().next()
            })
        }
    }

    /// Every process that can be seen; `None` without `/proc`.
    pub(crate) fn processes() -> Option<Vec<Process>> {
        let entries = fs::read_dir("/proc").ok()?;
        let pids = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Some(pids.filter_map(Process::read).collect())
    }

    /// The living processes of the group of `leader` and its living descendants, without `leader` itself.
    fn family(leader: u32) -> Vec<Process> {
        let all = processes().unwrap_or_default();
        let parents: BTreeMap<u32, u32> = all
            .iter()
            .map(|process| (process.pid, process.parent))
            .collect();
        let descends = |pid: u32| {
            let mut at = pid;
            // Bounded: pids that were reused while we read could form a circle.
            for _ in 0..parents.len() {
                match parents.get(&at) {
                    Some(&parent) if parent == leader => return true,
                    Some(&parent) => at = parent,
                    None => return false,
                }
            }
            false
        };
        all.into_iter()
            .filter(|process| process.pid != leader && process.is_alive())
            .filter(|process| process.group == leader || descends(process.pid))
            .collect()
    }

    /// Kills the descendants of `leader` that left its group, and tells of everybody that is still there.
    ///
    /// To be called while `leader` lives or is a zombie: its children are then still known to be its children, or those
    /// of its group still to be those of its group.
    pub(crate) fn kill_family(leader: u32) -> Vec<Leftover> {
        let family = family(leader);
        let left = family.iter().map(|process| Leftover {
            pid: process.pid,
            name: process.name.clone(),
            in_group: process.group == leader,
        });
        let left = left.collect();
        for process in family.iter().filter(|process| process.group != leader) {
            kill(process);
        }
        left
    }

    /// Kills every process that carries the mark, and tells of them.
    pub(crate) fn kill_marked(mark: &str) -> Vec<Leftover> {
        let variable = format!("{MARK}=").into_bytes();
        let is_marked = |pid: u32| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|&byte| byte == 0)
                    .filter_map(|entry| entry.strip_prefix(variable.as_slice()))
                    .any(|marks| {
                        marks
                            .split(|&byte| byte == b',')
                            .any(|one| one == mark.as_bytes())
                    })
            })
        };
        let mut left = Vec::new();
        // One that starts another while we look is found in the next round.
        for _ in 0..8 {
            let all = processes().unwrap_or_default();
            let marked: Vec<_> = all
                .into_iter()
                .filter(|process| process.is_alive() && is_marked(process.pid))
                .filter(kill)
                .collect();
            if marked.is_empty() {
                break;
            }
            left.extend(marked.into_iter().map(|process| Leftover {
                pid: process.pid,
                name: process.name,
                in_group: false,
            }));
        }
        left.sort_by_key(|left: &Leftover| left.pid);
        left.dedup_by_key(|left| left.pid);
        left
    }

    /// Kills a process if it is still the one that was seen. Whether it was.
    fn kill(seen: &Process) -> bool {
        let Some(pid) = i32::try_from(seen.pid).ok().and_then(Pid::from_raw) else {
            return false;
        };
        // The handle comes first: what is looked at and what is killed are then the same process.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return false;
        };
        Process::read(seen.pid).is_some_and(|now| now.started == seen.started)
            && pidfd_send_signal(&handle, Signal::KILL).is_ok()
    }
}

/// Kills what left the group, and tells of everybody that is still there. Call it before the group is killed.
#[cfg(target_os = "linux")]
pub(crate) fn kill_family(leader: u32) -> Vec<Leftover> {
    linux::kill_family(leader)
}

/// Kills every process that carries the mark.
#[cfg(target_os = "linux")]
pub(crate) fn kill_marked(mark: &str) -> Vec<Leftover> {
    linux::kill_marked(mark)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn kill_family(_: u32) -> Vec<Leftover> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn kill_marked(_: &str) -> Vec<Leftover> {
    Vec::new()
}
