//! The command lines of bubblewrap.

use super::words::{Args, quoted, system, variables, withheld};
use super::{Compiler, Contained, Exceeded, Level, Unit, cgroup, probe, seccomp, users};
use crate::scratch;
use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Where things are inside.
const JUDGE: &str = "/judge/tests";
const SUBJECT: &str = "/subject/tests";
const LAUNCHER: &str = "/unit/launcher";
const FILTERS: &str = "/unit/filters";
const REPORTS: &str = "/unit/reports";

/// The first descriptor of a filter: a POSIX shell redirects those of one digit only.
const FIRST_FILTER: usize = 5;

/// What the judge needs at L3 beside its user id: to make the subject's sandbox (bubblewrap forbids to gain privileges, so
/// they have to be there from the beginning), to end its processes, and to ask where they wait.
const JUDGE_CAPABILITIES: &str = "+dac_override,+dac_read_search,+fowner,+kill,+setgid,+setuid,+setpcap,+net_admin,\
    +sys_chroot,+sys_ptrace,+sys_admin";

/// Bytes of the unit's shared memory and of its folder for temporary files.
const SHM: u64 = 256 << 20;
const TMP: u64 = 64 << 20;
/// Bytes that all processes of a subject may use together, and how many there may be.
const MEMORY: u64 = 2 << 30;
const PROCESSES: u64 = 512;
/// Bytes that all processes of a compilation may use together, and how many there may be.
const COMPILER_MEMORY: u64 = 2 << 30;
const COMPILER_PROCESSES: u64 = 1024;

/// bubblewrap, as it works on this machine.
#[derive(Debug)]
pub(super) struct Bwrap {
    level: Level,
    tools: Tools,
    /// The compiled system call filters, `0`, `1`, ….
    filters: scratch::Folder,
    filter_count: usize,
    python: Option<PathBuf>,
    /// The folders of its installation that are not the system's.
    python_folders: Vec<PathBuf>,
    cgroups: cgroup::Parents,
    hidden: Vec<PathBuf>,
}

#[derive(Clone, Debug)]
struct Tools {
    bwrap: PathBuf,
    setpriv: PathBuf,
    prlimit: PathBuf,
}

/// What lives as long as a sandbox.
#[derive(Debug)]
pub(super) struct Guard {
    cgroup: cgroup::Cgroup,
    _folder: scratch::Folder,
}

impl Guard {
    pub(super) fn exceeded(&self) -> Option<Exceeded> {
        (self.cgroup.killed_for_memory() > 0).then_some(Exceeded::Memory)
    }
}

/// What the launcher starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// The subject, when the judge asks for it.
    Judge,
    /// A shell, at once.
    Probe,
}

impl Bwrap {
    /// bubblewrap on this machine, at a level that nobody has tried yet.
    pub(super) fn find(
        level: Level,
        python: Option<PathBuf>,
        python_folders: Vec<PathBuf>,
        hidden: &[PathBuf],
    ) -> Result<Self, String> {
        if level == Level::L3 && !rustix::process::geteuid().is_root() {
            return Err("it needs root (sudo)".to_owned());
        }
        let tools = Tools::find()?;
        let filters = seccomp::filters()?;
        let folder = scratch::folder("filters-").map_err(|error| error.to_string())?;
        for (number, filter) in filters.iter().enumerate() {
            let path = folder.path().join(number.to_string());
            fs::write(&path, filter).map_err(|error| error.to_string())?;
        }
        let found = Self {
            level,
            tools,
            filters: folder,
            filter_count: filters.len(),
            python,
            python_folders,
            cgroups: cgroup::Parents::find(),
            hidden: hidden.to_vec(),
        };
        // A fault of a moment must not cost a level.
        probe::run(&found).or_else(|_| probe::run(&found))?;
        Ok(found)
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn hidden(&self) -> &[PathBuf] {
        &self.hidden
    }

    pub(super) fn counts_memory(&self) -> bool {
        self.cgroups.has_memory()
    }

    pub(super) fn describe(&self) -> String {
        let who = match self.level {
            Level::L3 => "as a user of their own",
            _ => "as you, in a user namespace",
        };
        let limits = if self.cgroups.has_memory() {
            "cgroup limits"
        } else {
            "no cgroup: limits for each process alone"
        };
        format!(
            "{}: submissions run {who}, in namespaces of their own, behind seccomp; {limits}",
            self.level
        )
    }

    pub(super) fn judge(&self, unit: &Unit) -> io::Result<Contained> {
        self.enter(unit, Entry::Judge)
    }

    /// The door that submissions go through, with a shell behind it.
    pub(super) fn shell(&self) -> io::Result<Contained> {
        self.enter(&Unit::default(), Entry::Probe)
    }

    fn enter(&self, unit: &Unit, entry: Entry) -> io::Result<Contained> {
        let user = users::next();
        let folder = scratch::folder("unit-")?;
        let cgroup = self.cgroups.create(MEMORY, PROCESSES)?;
        let launcher = folder.path().join("launcher");
        fs::write(&launcher, self.launcher(&cgroup, user, unit, entry))?;
        fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755))?;

        let mut args = self.namespaces();
        args.word("--die-with-parent");
        // The network stays the unit's own inside, so that a peer can be reached over the loopback.
        args.words(["--unshare-net", "--unshare-ipc"]);
        system(&mut args);
        for prefix in &self.python_folders {
            args.bind("--ro-bind", prefix, prefix);
        }
        args.words(["--proc", "/proc", "--dev", "/dev"]);
        args.tmpfs("/dev/shm", SHM);
        args.tmpfs("/tmp", TMP);
        self.hide(&mut args);
        for path in &unit.readable {
            args.bind("--ro-bind-try", path, path);
        }
        args.words(["--dir", "/judge", "--dir", "/subject", "--dir", "/unit"]);
        if entry == Entry::Judge {
            args.bind("--ro-bind", &unit.judge, JUDGE);
            args.bind("--ro-bind", &unit.subject, SUBJECT);
        }
        if let Some(reports) = &unit.reports {
            args.bind("--bind", reports, REPORTS);
        }
        args.bind("--ro-bind", &launcher, LAUNCHER);
        args.bind("--ro-bind", self.filters.path(), FILTERS);
        for group in cgroup.folders() {
            args.bind("--bind", group, group);
        }
        // An empty folder: what the peer's Python imports from where it stands, nobody can have put there.
        args.words(["--dir", "/empty", "--chdir", "/empty", "--"]);
        if self.level == Level::L3 {
            // The user of the subject, so that blocks of one can be opened by the other.
            let caps = JUDGE_CAPABILITIES;
            args.word(&self.tools.setpriv);
            args.words([
                &format!("--reuid={user}"),
                &format!("--regid={user}"),
                "--clear-groups",
            ]);
            args.word(format!("--inh-caps={caps}"));
            args.word(format!("--ambient-caps={caps}"));
        }
        args.word(match entry {
            Entry::Judge => JUDGE,
            Entry::Probe => LAUNCHER,
        });
        let mut command = Command::new(&self.tools.bwrap);
        command.args(args.0);
        if entry == Entry::Judge {
            command
                .env("CHECKS_SUBJECT", LAUNCHER)
                .env("CHECKS_CONTAINED", "pid");
            if let Some(python) = &self.python {
                command.env("CHECKS_PYTHON", python);
            }
            if unit.reports.is_some() {
                command.env("CHECKS_REPORT", REPORTS);
            }
        }
        let guard = Guard {
            cgroup,
            _folder: folder,
        };
        Ok(Contained::guarded(command, super::Guard::Bwrap(guard)))
    }

    /// The program that starts the subject, in its own sandbox within the unit's.
    fn launcher(&self, cgroup: &cgroup::Cgroup, user: u32, unit: &Unit, entry: Entry) -> String {
        let mut args = Args::default();
        if self.level == Level::L3 {
            args.word(&self.tools.setpriv);
            args.words(["--reuid=0", "--regid=0", "--clear-groups"]);
        }
        args.word(&self.tools.prlimit);
        args.words([&format!("--nproc={PROCESSES}:{PROCESSES}"), "--core=0:0"]);
        args.word(&self.tools.bwrap);
        // It dies with the launcher, which therefore stays its parent. The launcher itself must not die with its own: that is a
        // thread of the judge, which may end while others still have subjects inside.
        args.0.extend(self.namespaces().0);
        args.word("--die-with-parent");
        system(&mut args);
        args.words(["--proc", "/proc", "--dev", "/dev"]);
        args.words(["--bind", "/dev/shm", "/dev/shm", "--bind", "/tmp", "/tmp"]);
        self.hide(&mut args);
        // What only the judge reads would come along where it lies in one of the two.
        let shared = |path: &&PathBuf| path.starts_with("/tmp") || path.starts_with("/dev/shm");
        let readable = unit.readable.iter().filter(|path| path.exists());
        for path in readable.chain(&self.python_folders).filter(shared) {
            args.word("--tmpfs");
            args.word(path);
        }
        if entry == Entry::Judge {
            args.words(["--dir", "/subject", "--ro-bind", SUBJECT, SUBJECT]);
        }
        args.words(["--remount-ro", "/", "--chdir", "/tmp"]);
        // `--clearenv` is newer than some bubblewraps.
        for name in withheld() {
            args.word("--unsetenv");
            args.word(name);
        }
        for (name, value) in variables(Path::new("/tmp")) {
            args.words(["--setenv", name]);
            args.word(value);
        }
        let filters = || (0..self.filter_count).map(|number| (FIRST_FILTER + number, number));
        for (fd, _) in filters() {
            args.words(["--add-seccomp-fd", &fd.to_string()]);
        }
        args.word("--");
        if self.level == Level::L3 {
            args.word(&self.tools.setpriv);
            args.words([
                &format!("--reuid={user}"),
                &format!("--regid={user}"),
                "--clear-groups",
            ]);
            args.words(["--bounding-set=-all", "--inh-caps=-all"]);
        }
        args.word(match entry {
            Entry::Judge => SUBJECT,
            Entry::Probe => "/bin/sh",
        });
        let mut script = String::from("#!/bin/sh\n");
        for group in cgroup.folders() {
            let file = quoted(group.join("cgroup.procs").as_os_str());
            script += &format!("echo $$ >{file} || exit 125\n");
        }
        let words: Vec<_> = args.0.iter().map(quoted).collect();
        script += &words.join(" ");
        script += " \"$@\"";
        for (fd, number) in filters() {
            script += &format!(" {fd}<{FILTERS}/{number}");
        }
        // Not its last command, which a shell may replace itself by.
        script + "\nexit $?\n"
    }

    /// A compiler's sandbox: it runs none of the submission's code, but reads and is fed it.
    pub(super) fn compiler(&self, compiler: &Compiler) -> io::Result<Contained> {
        let folder = scratch::folder("unit-")?;
        let cgroup = self.cgroups.create(COMPILER_MEMORY, COMPILER_PROCESSES)?;
        let mut args = Args::default();
        args.0.extend(self.namespaces().0);
        args.words(["--die-with-parent", "--unshare-net", "--unshare-ipc"]);
        system(&mut args);
        args.words(["--proc", "/proc", "--dev", "/dev"]);
        args.tmpfs("/tmp", 1 << 30);
        // Named here, so that what is left of the sandbox ends with it.
        args.bind("--ro-bind", folder.path(), "/unit");
        self.hide(&mut args);
        for path in &compiler.readable {
            args.bind("--ro-bind-try", path, path);
        }
        for path in &compiler.writable {
            args.bind("--bind", path, path);
        }
        for path in compiler.hidden.iter().filter(|path| path.is_dir()) {
            args.word("--tmpfs");
            args.word(path);
        }
        for path in &compiler.visible {
            args.bind("--ro-bind", path, path);
        }
        args.word("--");
        if self.level == Level::L3 {
            // Files keep their owner, who may not be root where somebody used sudo; nothing else that root may is needed.
            args.word(&self.tools.setpriv);
            args.words([
                "--bounding-set=-all,+dac_override,+fowner",
                "--inh-caps=-all",
            ]);
        }
        args.word(&compiler.program);
        let join = cgroup.folders().iter().map(|group| {
            let file = quoted(group.join("cgroup.procs").as_os_str());
            format!("echo $$ >{file} || exit 125; ")
        });
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(join.collect::<String>() + "exec \"$0\" \"$@\"")
            .arg(&self.tools.bwrap)
            .args(args.0);
        let guard = Guard {
            cgroup,
            _folder: folder,
        };
        Ok(Contained::guarded(command, super::Guard::Bwrap(guard)))
    }

    fn namespaces(&self) -> Args {
        let mut args = Args::default();
        if self.level == Level::L2 {
            args.word("--unshare-user");
        }
        args.words(["--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
        args.words(["--hostname", "sandbox"]);
        args
    }

    /// Covers what would be in sight because it lies in a folder of the system.
    fn hide(&self, args: &mut Args) {
        for path in self.hidden.iter().filter(|path| path.starts_with("/usr")) {
            args.word("--tmpfs");
            args.word(path);
        }
    }
}

impl Tools {
    fn find() -> Result<Self, String> {
        Ok(Self {
            bwrap: find("bwrap", "bubblewrap")?,
            setpriv: find("setpriv", "util-linux")?,
            prlimit: find("prlimit", "util-linux")?,
        })
    }
}

/// Where a program of the system is. It has to be below `/usr`, which is in sight inside, and not where a user can put one.
fn find(name: &str, package: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .chain(["/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join(name)))
        .filter_map(|path| path.canonicalize().ok())
        .find(|path| path.starts_with("/usr") && path.is_file())
        .ok_or_else(|| format!("{name} is missing (install the package {package})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_grader_finds_what_is_left_of_a_sandbox() {
        let [bwrap, setpriv, prlimit] = ["bwrap", "setpriv", "prlimit"].map(PathBuf::from);
        let sandbox = Bwrap {
            level: Level::L2,
            tools: Tools {
                bwrap,
                setpriv,
                prlimit,
            },
            filters: scratch::folder("filters-").expect("a folder"),
            filter_count: 0,
            python: None,
            python_folders: Vec::new(),
            cgroups: cgroup::Parents::default(),
            hidden: Vec::new(),
        };
        let compiler = Compiler {
            program: "rustc".into(),
            readable: Vec::new(),
            writable: Vec::new(),
            hidden: Vec::new(),
            visible: Vec::new(),
        };
        let home = sandbox.filters.path().parent().expect("it has one");
        for contained in [sandbox.shell(), sandbox.compiler(&compiler)] {
            let command = contained.expect("a command").command;
            let mut words = command.get_args().map(Path::new);
            assert!(words.any(|word| word.starts_with(home)), "{command:?}");
        }
    }
}
