//! The launcher of level L1: restricts itself as its orders say, then becomes the program.
//!
//! bubblewrap does this at the other levels. Here the grader's own program is started a second time, as
//! `course contain ORDERS ARGUMENT…`, and [`requested`] takes over. It never starts a thread: Landlock, seccomp and
//! privileges are a thread's own, and what it leaves behind to watch the program is a fork.

mod identity;
mod keeper;
mod rules;

pub(super) use identity::Identity;
pub(super) use keeper::{Keeper, Watch};
pub(super) use rules::{Access, Rule, version};

use super::probe::{INNER, OUTER};
use super::seccomp::{self, Filter};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The argument that makes a program of ours the launcher.
pub(super) const WORD: &str = "contain";

/// The exit code when the program can't be started, as a shell's.
const CANNOT_START: u8 = 126;

/// What the launcher does before it becomes the program, in this order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    pub identity: Identity,
    pub limits: Limits,
    /// What the program may do with files. Everything else is refused.
    pub rules: Vec<Rule>,
    /// Whether sockets with abstract names are refused unless a process under these very orders bound them.
    pub own_sockets_only: bool,
    pub keeper: Keeper,
    /// The process that the program doesn't outlive, if it is the launcher's parent.
    pub parent: Option<u32>,
    pub filter: Option<Filter>,
    /// Where the program begins, if not where the launcher does.
    pub folder: Option<PathBuf>,
    pub variables: Vec<(String, PathBuf)>,
    /// Variables that it doesn't inherit.
    pub withheld: Vec<String>,
    pub program: PathBuf,
}

/// Limits of each process.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Limits {
    /// How many processes and threads the user may have.
    pub processes: Option<Processes>,
    /// Bytes of a file.
    pub file_size: Option<u64>,
}

/// A limit of the kernel that counts all that a user runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Processes {
    /// The user runs nothing else.
    All(u64),
    /// So many beside those that there are already.
    More(u64),
}

/// Takes over when this process was started as a launcher; to be called first of all in `main`, and before any thread is
/// started. Returns only if it wasn't, or with the exit code of a launcher that failed.
#[must_use]
pub fn requested() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    let word = arguments.next()?;
    if let Some(word @ (OUTER | INNER)) = word.to_str() {
        return Some(super::probe::inside(word, arguments));
    }
    if word != WORD {
        return None;
    }
    let path = PathBuf::from(arguments.next()?);
    if env::var_os(supervise::MARK).is_some() {
        return Some(start_unmarked(&path, arguments));
    }
    let problem = match read(&path) {
        Ok(orders) => orders.follow(arguments),
        Err(error) => error,
    };
    Some(failed(&path, &problem))
}

fn failed(path: &Path, problem: &io::Error) -> ExitCode {
    eprintln!("contain: {}: {problem}", path.display());
    ExitCode::from(CANNOT_START)
}

/// Starts this program again, without the mark by which `supervise` finds and kills what a program left: it would kill the
/// keeper, which does that better.
fn start_unmarked(path: &Path, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let error = Command::new("/proc/self/exe")
        .arg0(WORD)
        .args([OsStr::new(WORD), path.as_os_str()])
        .args(arguments)
        .env_remove(supervise::MARK)
        .exec();
    failed(path, &error)
}

fn read(path: &Path) -> io::Result<Orders> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

impl Orders {
    /// Becomes the program, or returns why not.
    fn follow(self, arguments: impl Iterator<Item = OsString>) -> io::Error {
        if let Err(error) = self.restrict() {
            return error;
        }
        let mut command = Command::new(&self.program);
        for name in &self.withheld {
            command.env_remove(name);
        }
        let error = command.args(arguments).envs(self.variables).exec();
        io::Error::new(error.kind(), format!("{}: {error}", self.program.display()))
    }

    fn restrict(&self) -> io::Result<()> {
        // What lies outside of what the rules permit is opened before they hold.
        let this = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
        let keeper = self.keeper.open()?;
        self.identity.assume().map_err(named("privileges"))?;
        self.limits.apply().map_err(named("limits"))?;
        rules::apply(&self.rules, self.own_sockets_only).map_err(io::Error::other)?;
        keeper.fork(this).map_err(named("the keeper"))?;
        if self.filter.is_some() {
            // One domain further in, where nobody can signal the keeper.
            rules::withdraw().map_err(io::Error::other)?;
        }
        if let Some(parent) = self.parent {
            // Only now: a change of the user id has the kernel forget it.
            die_with(parent)?;
        }
        if let Some(folder) = &self.folder {
            env::set_current_dir(folder).map_err(named("the working directory"))?;
        }
        if let Some(filter) = self.filter {
            seccomp::apply(filter).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

fn named(what: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn die_with(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().cast_unsigned());
    if now == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::other("the grader is gone"))
    }
}

impl Limits {
    fn apply(self) -> io::Result<()> {
        let processes = match self.processes {
            None => None,
            Some(Processes::All(most)) => Some(most),
            Some(Processes::More(more)) => Some(more + tasks_of_user()),
        };
        let limits = [
            (Resource::Nproc, processes),
            (Resource::Fsize, self.file_size),
            (Resource::Core, Some(0)),
            // Queues that outlive their process, and priority over others.
            (Resource::Msgqueue, Some(0)),
            (Resource::Nice, Some(0)),
            (Resource::Rtprio, Some(0)),
        ];
        for (resource, most) in limits {
            let Some(most) = most else { continue };
            let now = rustix::process::getrlimit(resource);
            let most = now.maximum.map_or(most, |maximum| maximum.min(most));
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            rustix::process::setrlimit(resource, limit)?;
        }
        Ok(())
    }
}

/// Processes and threads of this user, as `RLIMIT_NPROC` counts them.
fn tasks_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::getuid().as_raw();
    let tasks = pids().filter_map(|pid| {
        let folder = fs::metadata(format!("/proc/{}/task", pid.as_raw_nonzero())).ok()?;
        // A folder has a link for each folder in it, and two more.
        (folder.uid() == own).then(|| folder.nlink().saturating_sub(2))
    });
    tasks.sum()
}

/// Every process that can be seen.
fn pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}
