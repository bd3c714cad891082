//! A cgroup for one unit: how many processes, and how much memory, all of them together may have, and what they weigh beside others
//! that want the processor.
//!
//! Where this process may create groups: with version 2 below a group whose controllers are delegated, with version 1 below
//! its own groups of `memory`, `pids` and `cpu`. Elsewhere there is none, and the limits of each process have to do.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Where cgroups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// What the processor's time is divided by, with either version: however many processes a unit starts, to others they are four.
const SHARE: [(&str, u64); 2] = [("cpu.shares", 4 * 1024), ("cpu.weight", 4 * 100)];

/// How long the kernel may take to let go of a group whose processes have ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// The folders below which a unit's groups are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parents {
    /// For the limit of memory.
    memory: Option<PathBuf>,
    /// For the limit of processes. With version 2 the same folder.
    pids: Option<PathBuf>,
    /// For the share of the processor. With version 2 the same folder.
    cpu: Option<PathBuf>,
}

/// The groups of one unit. They are removed when this is dropped.
#[derive(Debug)]
pub(super) struct Cgroup {
    folders: Vec<PathBuf>,
}

impl Parents {
    /// Those of this process, as far as groups can be made there.
    pub(super) fn find() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let found = Self::parse(&own, Path::new(ROOT));
        for folder in [&found.memory, &found.pids, &found.cpu]
            .into_iter()
            .flatten()
        {
            sweep(folder);
        }
        Self {
            memory: found.memory.filter(|folder| is_usable(folder)),
            pids: found.pids.filter(|folder| is_usable(folder)),
            cpu: found.cpu.filter(|folder| is_usable(folder)),
        }
    }

    fn parse(own: &str, root: &Path) -> Self {
        let mut parents = Self::default();
        for line in own.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let inside = path.trim_start_matches('/');
            if controllers.is_empty() {
                // Version 2. A group with processes can't have groups with controllers below it, but for the root.
                let folder = root.join(inside);
                let enabled = fs::read_to_string(folder.join("cgroup.subtree_control"));
                let enabled = enabled.unwrap_or_default();
                let has = |name| enabled.split_whitespace().any(|one| one == name);
                if has("memory") && has("pids") {
                    return Self {
                        cpu: has("cpu").then(|| folder.clone()),
                        memory: Some(folder.clone()),
                        pids: Some(folder),
                    };
                }
            }
            for controller in controllers.split(',') {
                let folder = root.join(controller).join(inside);
                match controller {
                    "memory" => parents.memory = Some(folder),
                    "pids" => parents.pids = Some(folder),
                    "cpu" => parents.cpu = Some(folder),
                    _ => {}
                }
            }
        }
        parents
    }

    pub(super) fn has_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Makes the groups of a unit.
    pub(super) fn create(&self, memory: u64, processes: u64) -> io::Result<Cgroup> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("course-grade-{}-{number}", std::process::id());
        let mut group = Cgroup {
            folders: Vec::new(),
        };
        for (parent, limits) in [
            (
                &self.memory,
                [("memory.limit_in_bytes", memory), ("memory.max", memory)],
            ),
            (&self.pids, [("pids.max", processes); 2]),
            (&self.cpu, SHARE),
        ] {
            let Some(folder) = parent.as_ref().map(|parent| parent.join(&name)) else {
                continue;
            };
            if !group.folders.contains(&folder) {
                // A killed grader may have had this one's process id.
                let _ = fs::remove_dir(&folder);
                fs::create_dir(&folder)?;
                group.folders.push(folder.clone());
            }
            for (file, value) in limits {
                if folder.join(file).exists() {
                    fs::write(folder.join(file), value.to_string())?;
                }
            }
            // Without it the limit is one of memory and swap apart, and the kernel swaps first.
            let _ = fs::write(folder.join("memory.swap.max"), "0");
        }
        Ok(group)
    }
}

/// Removes the groups that a killed grader left. The kernel keeps those that have processes.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let rest = name.strip_prefix("course-grade-").unwrap_or_default();
        let pid = rest.split('-').next().unwrap_or_default();
        if pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Whether a group can be made in `folder`, and removed.
fn is_usable(folder: &Path) -> bool {
    let probe = folder.join(format!("course-probe-{}", std::process::id()));
    fs::create_dir(&probe).is_ok() && fs::remove_dir(&probe).is_ok()
}

impl Cgroup {
    /// The folders whose `cgroup.procs` a process writes to, to join.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// How often the kernel killed a process of the group for want of memory.
    pub(super) fn killed_for_memory(&self) -> u64 {
        let counted = self.folders.iter().filter_map(|folder| {
            let text = ["memory.events", "memory.oom_control"]
                .iter()
                .find_map(|file| fs::read_to_string(folder.join(file)).ok())?;
            let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
            line?.trim().parse::<u64>().ok()
        });
        counted.sum()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for folder in &self.folders {
            let begin = Instant::now();
            // Busy while the last process is still on its way out.
            while let Err(error) = fs::remove_dir(folder) {
                if error.kind() == io::ErrorKind::NotFound || begin.elapsed() > PATIENCE {
                    break;
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_has_a_folder_for_each_controller() {
        let own = "9:name=systemd:/\n8:pids:/\n4:memory:/a/b\n1:cpu,cpuacct:/c\n0::/\n";
        let found = Parents::parse(own, Path::new("/none"));
        assert_eq!(found.memory, Some("/none/memory/a/b".into()));
        assert_eq!(found.pids, Some("/none/pids/".into()));
        assert_eq!(found.cpu, Some("/none/cpu/c".into()));
    }

    #[test]
    fn a_unit_weighs_what_it_should() {
        let parents = Parents::find();
        let Some(cpu) = &parents.cpu else {
            return; // nobody divides the processor here
        };
        let group = parents.create(1 << 30, 64).expect("they are usable");
        let own = group
            .folders()
            .iter()
            .find(|folder| folder.starts_with(cpu));
        let own = own.expect("a group for the processor");
        let [shares, weight] = SHARE.map(|(file, _)| fs::read_to_string(own.join(file)).ok());
        let found = shares.or(weight).expect("one of the two");
        let found: u64 = found.trim().parse().expect("a number");
        assert!(SHARE.iter().any(|(_, value)| *value == found), "{found}");
    }

    #[test]
    fn version_2_needs_both_controllers() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("x")).expect("a folder");
        let control = root.path().join("x/cgroup.subtree_control");
        for (enabled, usable) in [("cpu memory pids\n", true), ("cpu memory\n", false)] {
            fs::write(&control, enabled).expect("a file");
            let found = Parents::parse("0::/x\n", root.path());
            assert_eq!(found.memory.is_some() && found.pids.is_some(), usable);
            assert_eq!(found.cpu.is_some(), usable);
        }
    }
}
