//! The sandbox around a submission: by [bubblewrap](https://github.com/containers/bubblewrap) or, where nobody may make
//! namespaces, by Landlock.
//!
//! Two sandboxes, one inside the other, live and die with one judge process:
//!
//! ```text
//! unit:     judge and CPython peer   own PID, network, IPC and UTS namespaces, private /dev/shm and /tmp of limited size;
//!                                    sees the judge, the course's tests and Python, nothing else of the machine
//! subject:  the submission           another PID namespace, no capabilities, seccomp, process and memory limits;
//!                                    sees the system's libraries, the unit's /dev/shm and /tmp, and its own binary
//! ```
//!
//! The judge sees the subject's processes and can end them; the subject sees nobody but itself. Its process 1 is
//! bubblewrap's. When the judge ends, or the grader is killed, the kernel ends everything in the unit, daemons included.
//!
//! At L1 there are no namespaces. Unit and subject are two Landlock domains, one inside the other, with a keeper each that
//! ends them (`sandbox/confined.rs`); a submission sees which processes and which file names there are, and reaches none.
//!
//! [`Sandbox::find`] tries the levels on the machine at hand, by a probe that goes through the very same door as a
//! submission. [`Level`] says what each of them guarantees.

#[cfg(target_os = "linux")]
mod bwrap;
#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod confined;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(target_os = "linux")]
mod users;
#[cfg(target_os = "linux")]
mod words;

#[cfg(target_os = "linux")]
pub use launch::requested as launcher_requested;

use std::{fmt, path::Path, path::PathBuf, process::Command, sync::Arc};

/// How well submissions are kept from the machine and from the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all: submissions run as the user who grades.
    L0,
    /// Landlock, seccomp and limits for each process, without namespaces: submissions see which processes and which file
    /// names there are, and can't open, signal or change any of them. From root they run as a user id that owns nothing.
    L1,
    /// Namespaces and seccomp, made without privileges: submissions run as the grading user's id, and where the kernel
    /// offers no cgroup to that user, memory is limited for each process and not as a whole.
    L2,
    /// The same, made by root: submissions run as a user id that owns nothing.
    L3,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L0 => "none",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        })
    }
}

/// A sandbox that works on this machine, or none.
#[derive(Clone, Debug, Default)]
pub struct Sandbox(Option<Arc<Inner>>);

#[cfg(target_os = "linux")]
#[derive(Debug)]
enum Inner {
    Bwrap(bwrap::Bwrap),
    Confined(confined::Confined),
}
#[cfg(not(target_os = "linux"))]
type Inner = std::convert::Infallible;

/// What is asked of a sandbox.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Nothing in these folders is in a submission's sight.
    pub hidden: &'a [&'a Path],
    /// This level and no other.
    pub level: Option<Level>,
    /// A program that begins with [`launcher_requested`], without which there is no L1.
    pub launcher: Option<PathBuf>,
}

/// What a judge process needs of the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    /// The judge's binary.
    pub judge: PathBuf,
    /// The subject's binary.
    pub subject: PathBuf,
    /// Where the judge appends its reports.
    pub reports: Option<PathBuf>,
    /// Folders that the judge reads: the course's tests.
    pub readable: Vec<PathBuf>,
}

/// What a compiler sees of the machine beside the system. Later fields cover earlier ones.
#[derive(Clone, Debug)]
pub(crate) struct Compiler {
    /// The program.
    pub program: std::ffi::OsString,
    /// For reading, where they exist.
    pub readable: Vec<PathBuf>,
    /// For writing.
    pub writable: Vec<PathBuf>,
    /// Empty, where they exist.
    pub hidden: Vec<PathBuf>,
    /// For reading, within `hidden`.
    pub visible: Vec<PathBuf>,
}

/// A command in the sandbox. What was made for it is removed when this is dropped, which must be after its end.
#[derive(Debug)]
pub(crate) struct Contained {
    pub command: Command,
    #[cfg(target_os = "linux")]
    guard: Option<Guard>,
}

/// What is removed when a sandbox ends.
#[cfg(target_os = "linux")]
#[derive(Debug)]
enum Guard {
    Bwrap(bwrap::Guard),
    Confined(confined::Guard),
}

/// Which limit of a unit its processes ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// The kernel killed a process because all of them together used more memory than allowed.
    Memory,
}

impl Contained {
    /// A command without a sandbox.
    pub fn bare(command: Command) -> Self {
        Self {
            command,
            #[cfg(target_os = "linux")]
            guard: None,
        }
    }

    #[cfg(target_os = "linux")]
    fn guarded(command: Command, guard: Guard) -> Self {
        Self {
            command,
            guard: Some(guard),
        }
    }

    /// The limit that was exceeded so far, where somebody counts.
    pub fn exceeded(&self) -> Option<Exceeded> {
        #[cfg(target_os = "linux")]
        return match self.guard.as_ref()? {
            Guard::Bwrap(guard) => guard.exceeded(),
            Guard::Confined(guard) => guard.exceeded(),
        };
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// Keeps this process's memory from other processes of the same user, for a grader whose sandbox is weak or missing.
pub fn withhold_memory() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

impl Sandbox {
    /// No sandbox at all: for code that the grading user would run anyway.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// The strongest sandbox that works here and is as wanted.
    ///
    /// # Errors
    /// When none works: the reason, for each level that was tried.
    pub fn find(wanted: &Wanted<'_>) -> Result<Self, String> {
        #[cfg(target_os = "linux")]
        return this_system::find(wanted).map(|found| Self(Some(Arc::new(found))));
        #[cfg(not(target_os = "linux"))]
        {
            let _ = wanted;
            Err("the sandbox needs Linux (bubblewrap, namespaces, Landlock, seccomp)".to_owned())
        }
    }

    /// Whether only one submission should be judged at a time: another one could reach its shared memory.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(Inner::Confined(inner)) = self.0.as_deref() {
            return inner.is_exclusive();
        }
        false
    }

    /// What it guarantees.
    #[must_use]
    pub fn level(&self) -> Level {
        #[cfg(target_os = "linux")]
        return match self.0.as_deref() {
            None => Level::L0,
            Some(Inner::Bwrap(inner)) => inner.level(),
            Some(Inner::Confined(_)) => Level::L1,
        };
        #[cfg(not(target_os = "linux"))]
        Level::L0
    }

    /// Whether the kernel counts, and limits, the memory of all processes of a unit together.
    pub(crate) fn counts_memory(&self) -> bool {
        #[cfg(target_os = "linux")]
        return match self.0.as_deref() {
            Some(Inner::Bwrap(inner)) => inner.counts_memory(),
            None | Some(Inner::Confined(_)) => false,
        };
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// What it guarantees, in a line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        #[cfg(target_os = "linux")]
        match self.0.as_deref() {
            None => {}
            Some(Inner::Bwrap(inner)) => return inner.describe(),
            Some(Inner::Confined(inner)) => return inner.describe(),
        }
        "none: submissions run as you do".to_owned()
    }

    /// The command that runs a judge in the sandbox, still without arguments. Without a sandbox it is the judge itself.
    pub(crate) fn judge(&self, unit: &Unit) -> std::io::Result<Contained> {
        #[cfg(target_os = "linux")]
        match self.0.as_deref() {
            None => {}
            Some(Inner::Bwrap(inner)) => return inner.judge(unit),
            Some(Inner::Confined(inner)) => return inner.judge(unit),
        }
        Ok(Contained::bare(Command::new(&unit.judge)))
    }

    /// The command that runs a compiler in the sandbox, still without arguments.
    pub(crate) fn compiler(&self, compiler: &Compiler) -> std::io::Result<Contained> {
        #[cfg(target_os = "linux")]
        match self.0.as_deref() {
            None => {}
            Some(Inner::Bwrap(inner)) => return inner.compiler(compiler),
            Some(Inner::Confined(inner)) => return inner.compiler(compiler),
        }
        Ok(Contained::bare(Command::new(&compiler.program)))
    }
}

#[cfg(target_os = "linux")]
mod this_system {
    use super::{Inner, Level, Wanted, bwrap::Bwrap, confined::Confined};
    use std::{fs, path::Path, path::PathBuf};
    use supervise::python::Search;

    /// Tries the levels, strongest first.
    pub(super) fn find(wanted: &Wanted<'_>) -> Result<Inner, String> {
        let search = Search::from_env("CHECKS_PYTHON", (3, 8));
        let named = search.named.clone();
        let python = PathBuf::from(named.unwrap_or_else(|| "python3".into()));
        // Once more if that failed: without a peer, tests are skipped.
        let python = search.one(&python).or_else(|_| search.one(&python));
        let python = python.ok().map(|python| python.executable);
        let folders = python.as_deref().map(python_folders).unwrap_or_default();
        let hidden: Vec<_> = wanted
            .hidden
            .iter()
            .map(|path| (*path).to_owned())
            .collect();
        let mut problems = Vec::new();
        for level in [Level::L3, Level::L2, Level::L1] {
            if wanted.level.is_some_and(|wanted| wanted != level) {
                continue;
            }
            let (python, folders) = (python.clone(), folders.clone());
            let found = match level {
                Level::L1 => match &wanted.launcher {
                    Some(launcher) => {
                        Confined::find(launcher, python, folders, &hidden).map(Inner::Confined)
                    }
                    None => Err("there is no launcher".to_owned()),
                },
                _ => Bwrap::find(level, python, folders, &hidden).map(Inner::Bwrap),
            };
            match found {
                Ok(found) => return Ok(found),
                Err(problem) => problems.push(format!("{level}: {problem}")),
            }
        }
        Err(problems.join("; "))
    }

    /// The folders of the peer's Python that are not the system's: of its installation, and of a virtual environment.
    fn python_folders(python: &Path) -> Vec<PathBuf> {
        let real = fs::canonicalize(python).ok();
        let mut folders: Vec<PathBuf> = [Some(python.to_owned()), real]
            .into_iter()
            .flatten()
            .filter_map(|path| Some(path.parent()?.parent()?.to_owned()))
            .filter(|folder| folder.parent().is_some() && !folder.starts_with("/usr"))
            .collect();
        folders.dedup();
        folders
    }
}
