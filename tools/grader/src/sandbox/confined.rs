//! Level L1: Landlock, seccomp and rlimits, for a machine that lets nobody make namespaces.
//!
//! ```text
//! unit:     judge and CPython peer   a Landlock domain: the course's tests, Python, the system, a scratch folder, /dev/shm
//! subject:  the submission           a domain within it: the system, its own binary, the scratch folder, /dev/shm; seccomp
//! ```
//!
//! Each domain has a [keeper](super::launch), which ends it. From root, unit and subject run as a user id of their own.

use super::launch::{Access, Identity, Keeper, Limits, Orders, Processes, Rule, Watch, version};
use super::seccomp::Filter;
use super::words::{SETTINGS, SYSTEM, quoted, variables, withheld};
use super::{Compiler, Contained, Exceeded, Unit, launch, leftovers, probe, users};
use crate::scratch;
use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

/// Bytes of the folder for temporary files, of shared memory with a name, and of one file.
const TMP: u64 = 64 << 20;
const BLOCKS: u64 = 256 << 20;
const FILE: u64 = 256 << 20;
/// Bytes that all processes of a subject may use together, and how many there may be.
const MEMORY: u64 = 2 << 30;
const TASKS: u64 = 512;
/// How many more processes than that there may be for a moment, where the kernel counts all that the user runs.
const TASKS_FOR_A_MOMENT: u64 = 2048;
/// The same for a compilation.
const COMPILER_TMP: u64 = 1 << 30;
const COMPILER_MEMORY: u64 = 2 << 30;
const COMPILER_TASKS: u64 = 1024;

/// What a subject and a judge use of the devices.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Files that cargo and rustup look for in every folder above a package.
const STEERING: [&str; 4] = [
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
];

/// A launcher that works on this machine.
#[derive(Debug)]
pub(super) struct Confined {
    launcher: PathBuf,
    python: Option<PathBuf>,
    python_folders: Vec<PathBuf>,
    /// Whether this is root, so that submissions run as another user.
    root: bool,
    hidden: Vec<PathBuf>,
    /// Those of the hidden folders that would be in sight.
    hidden_in_system: Vec<PathBuf>,
}

/// What lives as long as a unit. Dropping it waits until the unit's processes are gone and removes what they left.
#[derive(Debug)]
pub(super) struct Guard {
    folder: scratch::Folder,
    shared_memory: leftovers::SharedMemory,
}

impl Guard {
    pub(super) fn exceeded(&self) -> Option<Exceeded> {
        let told = fs::metadata(self.folder.path().join("state/exceeded"));
        told.is_ok_and(|file| file.len() > 0)
            .then_some(Exceeded::Memory)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let id = fs::read_to_string(self.folder.path().join("state/keeper"));
        if let Some(keeper) = id.ok().and_then(|id| id.parse().ok()) {
            leftovers::wait_for(keeper);
        }
        self.shared_memory.remove_new();
        leftovers::make_removable(&self.folder.path().join("tmp"));
    }
}

/// What the launcher starts.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// A judge and, when it asks for it, a subject.
    Judge,
    /// The two halves of the probe, with what they try.
    Probe(&'a Path),
}

impl Confined {
    pub(super) fn find(
        launcher: &Path,
        python: Option<PathBuf>,
        python_folders: Vec<PathBuf>,
        hidden: &[PathBuf],
    ) -> Result<Self, String> {
        version()?;
        let found = Self {
            launcher: launcher.to_owned(),
            python,
            python_folders,
            root: rustix::process::geteuid().is_root(),
            hidden: hidden.to_vec(),
            hidden_in_system: hidden
                .iter()
                .filter(|path| SYSTEM.iter().any(|system| path.starts_with(system)))
                .cloned()
                .collect(),
        };
        // A fault of a moment must not cost a level.
        probe::confined(&found).or_else(|_| probe::confined(&found))?;
        Ok(found)
    }

    pub(super) fn describe(&self) -> String {
        let who = if self.root {
            "as a user of their own"
        } else {
            "as you"
        };
        format!(
            "L1: submissions run {who}, behind Landlock and seccomp, and see which processes and files there are; \
             no cgroup: limits are looked at ten times a second"
        )
    }

    pub(super) fn hidden(&self) -> &[PathBuf] {
        &self.hidden
    }

    /// Whether submissions run as another user than the grader.
    pub(super) fn has_other_user(&self) -> bool {
        self.root
    }

    /// Whether two units at the same time could reach each other's shared memory.
    pub(super) fn is_exclusive(&self) -> bool {
        !self.root
    }

    pub(super) fn judge(&self, unit: &Unit) -> io::Result<Contained> {
        self.enter(unit, Entry::Judge)
    }

    pub(super) fn enter(&self, unit: &Unit, entry: Entry<'_>) -> io::Result<Contained> {
        let user = self.root.then(users::next);
        let guard = Guard {
            folder: self.folder(user)?,
            shared_memory: leftovers::SharedMemory::of(user),
        };
        let path = guard.folder.path();
        let subject = match (user, entry) {
            // Where it lies, that user may have no way to it.
            (Some(_), Entry::Judge) => copy(&unit.subject, &path.join("subject"))?,
            (None, Entry::Judge) => unit.subject.clone(),
            (_, Entry::Probe(_)) => self.launcher.clone(),
        };
        let judge = match entry {
            Entry::Judge => &unit.judge,
            Entry::Probe(_) => &self.launcher,
        };
        write_orders(&path.join("subject.json"), &self.subject(path, &subject))?;
        let launcher = path.join("launcher");
        let script = format!(
            "#!/bin/sh\nexec {} {} {} \"$@\"\n",
            quoted(&self.launcher),
            launch::WORD,
            quoted(path.join("subject.json"))
        );
        fs::write(&launcher, script)?;
        fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755))?;

        let mut rules = self.rules(path);
        rules.extend([
            Rule("/dev/shm".into(), Access::List),
            Rule(path.join("state"), Access::Write),
            Rule(path.into(), Access::Run),
            Rule(self.launcher.clone(), Access::Run),
            Rule(judge.clone(), Access::Run),
            Rule(subject, Access::Run),
        ]);
        let readable = unit.readable.iter().map(|path| (path, Access::Read));
        let python = self.python_folders.iter().map(|path| (path, Access::Run));
        for (path, access) in readable.chain(python) {
            // A symlink's target is what is read.
            rules.push(Rule(
                path.canonicalize().unwrap_or_else(|_| path.clone()),
                access,
            ));
        }
        if let Some(reports) = &unit.reports {
            rules.push(Rule(reports.clone(), Access::Write));
        }
        if let Entry::Probe(targets) = entry {
            rules.push(Rule(targets.into(), Access::Read));
        }
        let orders = Orders {
            identity: user.map_or(Identity::Same, Identity::User),
            limits: Limits::default(),
            rules,
            own_sockets_only: true,
            keeper: Keeper {
                id: Some(path.join("state/keeper")),
                watch: None,
            },
            parent: Some(std::process::id()),
            filter: None,
            folder: Some(path.join("empty")),
            variables: vec![
                // Nothing that a submission can write to is where the peer's Python looks for modules.
                ("HOME".into(), path.join("empty")),
                ("TMPDIR".into(), path.join("tmp")),
            ],
            withheld: Vec::new(),
            program: judge.clone(),
        };
        write_orders(&path.join("unit.json"), &orders)?;
        let mut command = self.launch(&path.join("unit.json"));
        command
            .env("CHECKS_SUBJECT", &launcher)
            .env("CHECKS_CONTAINED", "domain");
        if let Some(python) = &self.python {
            command.env("CHECKS_PYTHON", python);
        }
        if let Some(reports) = &unit.reports {
            command.env("CHECKS_REPORT", reports);
        }
        if let Entry::Probe(targets) = entry {
            command.args([Path::new(probe::OUTER), targets]);
        }
        Ok(Contained::guarded(command, super::Guard::Confined(guard)))
    }

    /// What the subject's launcher does.
    fn subject(&self, path: &Path, program: &Path) -> Orders {
        let mut rules = self.rules(path);
        rules.push(Rule(program.into(), Access::Run));
        let processes = if self.root {
            Processes::All(TASKS)
        } else {
            Processes::More(TASKS + TASKS_FOR_A_MOMENT)
        };
        let scratch = path.join("tmp");
        Orders {
            identity: Identity::Nobody,
            limits: Limits {
                processes: Some(processes),
                file_size: Some(FILE),
            },
            rules,
            // The peer's are not its own.
            own_sockets_only: false,
            keeper: Keeper {
                id: None,
                watch: Some(Watch {
                    memory: MEMORY,
                    exceeded: path.join("state/exceeded"),
                    tasks: TASKS,
                    scratch: (scratch.clone(), TMP),
                    blocks: BLOCKS,
                }),
            },
            parent: None,
            filter: Some(Filter::Subject),
            folder: Some(scratch.clone()),
            variables: variables(&scratch)
                .map(|(name, value)| (name.into(), value))
                .into(),
            withheld: withheld()
                .filter_map(|name| name.into_string().ok())
                .collect(),
            program: program.to_owned(),
        }
    }

    /// What both may use: the system, the unit's scratch folder and shared memory.
    fn rules(&self, folder: &Path) -> Vec<Rule> {
        let mut rules = Vec::new();
        for path in SYSTEM {
            self.grant(
                Path::new(path),
                Access::Run,
                &self.hidden_in_system,
                &mut rules,
            );
        }
        rules.extend(SETTINGS.map(|path| Rule(path.into(), Access::Read)));
        rules.extend(DEVICES.map(|path| Rule(path.into(), Access::Device)));
        rules.push(Rule("/proc".into(), Access::Read));
        rules.push(Rule("/dev/shm".into(), Access::Blocks));
        rules.push(Rule(folder.join("tmp"), Access::Change));
        rules
    }

    /// Permits a path but for what is hidden in it. Landlock can't take back, so what lies beside the hidden is permitted
    /// one by one; names are in sight.
    fn grant(&self, path: &Path, access: Access, hidden: &[PathBuf], rules: &mut Vec<Rule>) {
        let Ok(path) = path.canonicalize() else {
            return;
        };
        if hidden.iter().any(|hidden| path.starts_with(hidden)) {
            return;
        }
        if !hidden.iter().any(|hidden| hidden.starts_with(&path)) {
            rules.push(Rule(path, access));
            return;
        }
        rules.push(Rule(path.clone(), Access::List));
        for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
            // What a symlink leads to has a rule of its own, or none.
            if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
                self.grant(&entry.path(), access, hidden, rules);
            }
        }
    }

    /// A compiler: it runs none of the submission's code, but reads and is fed it.
    pub(super) fn compiler(&self, compiler: &Compiler) -> io::Result<Contained> {
        let guard = Guard {
            folder: self.folder(None)?,
            shared_memory: leftovers::SharedMemory::none(),
        };
        let path = guard.folder.path();
        let mut hidden = self.hidden_in_system.clone();
        let mut rules = Vec::new();
        for system in SYSTEM {
            self.grant(Path::new(system), Access::Run, &hidden, &mut rules);
        }
        hidden.extend(
            compiler
                .hidden
                .iter()
                .filter_map(|path| path.canonicalize().ok()),
        );
        for (paths, access) in [
            (&compiler.readable, Access::Run),
            (&compiler.writable, Access::Change),
        ] {
            for path in paths {
                self.grant(path, access, &hidden, &mut rules);
            }
        }
        for visible in &compiler.visible {
            rules.push(Rule(visible.clone(), Access::Read));
            // What cargo and rustup find on the way up they must be able to read, unlike where it isn't in sight.
            let found = visible
                .ancestors()
                .flat_map(|folder| STEERING.map(|name| folder.join(name)));
            rules.extend(found.map(|file| Rule(file, Access::Read)));
        }
        rules.extend(SETTINGS.map(|path| Rule(path.into(), Access::Read)));
        rules.extend(DEVICES.map(|path| Rule(path.into(), Access::Device)));
        rules.push(Rule("/proc".into(), Access::Read));
        let scratch = path.join("tmp");
        rules.push(Rule(scratch.clone(), Access::Change));
        let orders = Orders {
            identity: if self.root {
                Identity::Writer
            } else {
                Identity::Same
            },
            limits: Limits::default(),
            rules,
            own_sockets_only: true,
            keeper: Keeper {
                id: Some(path.join("state/keeper")),
                watch: Some(Watch {
                    memory: COMPILER_MEMORY,
                    exceeded: path.join("state/exceeded"),
                    tasks: COMPILER_TASKS,
                    scratch: (scratch.clone(), COMPILER_TMP),
                    blocks: BLOCKS,
                }),
            },
            parent: Some(std::process::id()),
            filter: Some(Filter::Compiler),
            folder: None,
            variables: vec![("HOME".into(), scratch.clone()), ("TMPDIR".into(), scratch)],
            withheld: Vec::new(),
            program: compiler.program.clone().into(),
        };
        write_orders(&path.join("unit.json"), &orders)?;
        let command = self.launch(&path.join("unit.json"));
        Ok(Contained::guarded(command, super::Guard::Confined(guard)))
    }

    fn launch(&self, orders: &Path) -> Command {
        let mut command = Command::new(&self.launcher);
        command.arg(launch::WORD).arg(orders);
        command
    }

    /// A folder for a unit: what it writes to is `user`'s.
    fn folder(&self, user: Option<u32>) -> io::Result<scratch::Folder> {
        let folder = scratch::folder("unit-")?;
        let path = folder.path();
        for (name, mode) in [("tmp", 0o700), ("state", 0o700), ("empty", 0o555)] {
            let inside = path.join(name);
            fs::create_dir(&inside)?;
            fs::set_permissions(&inside, fs::Permissions::from_mode(mode))?;
        }
        for name in ["keeper", "exceeded"] {
            fs::write(path.join("state").join(name), "")?;
        }
        if user.is_some() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
            chown(path.join("tmp"), user, user)?;
        }
        Ok(folder)
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<PathBuf> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to)?;
    }
    Ok(to.to_owned())
}

fn write_orders(path: &Path, orders: &Orders) -> io::Result<()> {
    fs::write(path, serde_json::to_vec(orders)?)
}
