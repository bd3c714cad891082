//! The sandbox around a submission, by [bubblewrap](https://github.com/containers/bubblewrap).
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
//! [`Sandbox::strongest`] tries the levels on the machine at hand, by a probe that goes through the very same door as a
//! submission. [`Level`] says what each of them guarantees.

#[cfg(target_os = "linux")]
mod bwrap;
#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(target_os = "linux")]
mod words;

use std::{fmt, path::Path, path::PathBuf, process::Command, sync::Arc};

/// How well submissions are kept from the machine and from the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all: submissions run as the user who grades.
    L0,
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
            Self::L2 => "L2",
            Self::L3 => "L3",
        })
    }
}

/// A sandbox that works on this machine, or none.
#[derive(Clone, Debug, Default)]
pub struct Sandbox(Option<Arc<Inner>>);

#[cfg(target_os = "linux")]
type Inner = bwrap::Bwrap;
#[cfg(not(target_os = "linux"))]
type Inner = std::convert::Infallible;

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
    guard: Option<bwrap::Guard>,
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

    /// The limit that was exceeded so far, where the kernel counts.
    pub fn exceeded(&self) -> Option<Exceeded> {
        #[cfg(target_os = "linux")]
        return self.guard.as_ref().and_then(bwrap::Guard::exceeded);
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

    /// The strongest sandbox that works here. Nothing in `hidden` is in a submission's sight.
    ///
    /// # Errors
    /// When none works: the reason, for each level that was tried.
    pub fn strongest(hidden: &[&Path]) -> Result<Self, String> {
        #[cfg(target_os = "linux")]
        return bwrap::Bwrap::strongest(hidden).map(|found| Self(Some(Arc::new(found))));
        #[cfg(not(target_os = "linux"))]
        {
            let _ = hidden;
            Err("the sandbox needs Linux (bubblewrap, namespaces, seccomp)".to_owned())
        }
    }

    /// What it guarantees.
    #[must_use]
    pub fn level(&self) -> Level {
        #[cfg(target_os = "linux")]
        return self.0.as_ref().map_or(Level::L0, |inner| inner.level());
        #[cfg(not(target_os = "linux"))]
        Level::L0
    }

    /// Whether the kernel counts, and limits, the memory of all processes of a unit together.
    pub(crate) fn counts_memory(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.0.as_ref().is_some_and(|inner| inner.counts_memory());
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// What it guarantees, in a line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        #[cfg(target_os = "linux")]
        if let Some(inner) = &self.0 {
            return inner.describe();
        }
        "none: submissions run as you do".to_owned()
    }

    /// The command that runs a judge in the sandbox, still without arguments. Without a sandbox it is the judge itself.
    pub(crate) fn judge(&self, unit: &Unit) -> std::io::Result<Contained> {
        #[cfg(target_os = "linux")]
        if let Some(inner) = &self.0 {
            return inner.judge(unit);
        }
        Ok(Contained::bare(Command::new(&unit.judge)))
    }

    /// The command that runs a compiler in the sandbox, still without arguments.
    pub(crate) fn compiler(&self, compiler: &Compiler) -> std::io::Result<Contained> {
        #[cfg(target_os = "linux")]
        if let Some(inner) = &self.0 {
            return inner.compiler(compiler);
        }
        Ok(Contained::bare(Command::new(&compiler.program)))
    }
}
