//! What a submission must not be able to do at L1.

use super::{Targets, beside};
use rustix::{
    io::Errno,
    net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with},
    process::{
        Pid, PidfdFlags, PidfdGetfdFlags, Resource, pidfd_getfd, pidfd_open, setpriority_process,
        test_kill_process,
    },
    thread::capabilities,
};
use std::{
    fs::{self, File, OpenOptions},
    net::{TcpStream, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::{SocketAddr, UnixDatagram, UnixStream},
        },
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

type Escape = (&'static str, fn(&Targets) -> bool);

pub(super) const ALL: &[Escape] = &[
    ("read files", |targets| fs::read(&targets.secret).is_ok()),
    ("list folders", |targets| {
        targets
            .secret
            .parent()
            .is_some_and(|folder| fs::read_dir(folder).is_ok())
    }),
    ("write files", |targets| {
        fs::write(beside(&targets.secret), "").is_ok()
            || OpenOptions::new()
                .append(true)
                .open(&targets.secret)
                .is_ok()
    }),
    ("remove files", |targets| {
        fs::remove_file(&targets.secret).is_ok()
    }),
    ("change the mode of files", |targets| {
        fs::set_permissions(&targets.secret, fs::Permissions::from_mode(0o0)).is_ok()
    }),
    ("change the times of files", |targets| {
        Command::new("touch")
            .args(["-c", "-d", "2000-01-01"])
            .arg(&targets.secret)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }),
    ("write to the system", |_| {
        fs::write("/usr/probe", "").is_ok() || fs::write("/probe", "").is_ok()
    }),
    ("read the system's configuration", |_| {
        fs::read("/etc/passwd").is_ok() || fs::read_dir("/etc").is_ok()
    }),
    ("see the course", |targets| {
        targets
            .hidden
            .iter()
            .any(|folder| File::open(folder.join("Cargo.toml")).is_ok())
    }),
    ("list shared memory", |_| fs::read_dir("/dev/shm").is_ok()),
    ("signal the grader", |targets| signals(targets.process)),
    ("signal its judge", |targets| {
        judge(targets).is_none_or(signals)
    }),
    ("signal process 1", |_| signals(1)),
    ("read another process's memory", |targets| {
        opens_memory(targets.process) || judge(targets).is_none_or(opens_memory)
    }),
    ("read another process's environment", |targets| {
        let read = |id: u32| fs::read(format!("/proc/{id}/environ")).is_ok();
        read(targets.process) || judge(targets).is_none_or(read)
    }),
    ("take another process's descriptors", |targets| {
        let takes = |id: u32| {
            pid(id)
                .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
                .is_some_and(|pidfd| pidfd_getfd(pidfd, 0, PidfdGetfdFlags::empty()).is_ok())
        };
        takes(std::process::id()) || takes(targets.process)
    }),
    ("change another process's limits", |targets| {
        // Its own ones as they are, by its id: refused by the call's number alone.
        [std::process::id(), targets.process].into_iter().any(|id| {
            let now = rustix::process::getrlimit(Resource::Core);
            rustix::process::prlimit(pid(id), Resource::Core, now).is_ok()
        })
    }),
    ("change another process's priority", |targets| {
        pid(targets.process).is_none_or(|pid| setpriority_process(Some(pid), 19).is_ok())
    }),
    ("connect to local servers", |targets| {
        TcpStream::connect(("127.0.0.1", targets.port)).is_ok()
    }),
    ("use the network", |_| {
        UdpSocket::bind("127.0.0.1:0").is_ok() || UdpSocket::bind("[::1]:0").is_ok()
    }),
    ("send datagrams to sockets", |_| {
        UnixDatagram::unbound().is_ok() || UnixDatagram::pair().is_ok()
    }),
    ("connect to abstract sockets", |targets| {
        SocketAddr::from_abstract_name(&targets.abstract_name)
            .and_then(|address| UnixStream::connect_addr(&address))
            .is_ok()
    }),
    ("watch files", |_| {
        rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::empty()).is_ok()
    }),
    ("make a user namespace", |_| {
        runs("unshare", &["--user", "true"])
    }),
    ("make a mount namespace", |_| {
        runs("unshare", &["--mount", "true"])
    }),
    ("mount", |_| runs("mount", &["-t", "tmpfs", "none", "/tmp"])),
    ("use capabilities", |_| {
        capabilities(None)
            .is_ok_and(|sets| !sets.permitted.is_empty() || !sets.effective.is_empty())
    }),
    ("gain privileges", |_| status("NoNewPrivs") != "1"),
    ("make every system call", |_| status("Seccomp") != "2"),
    ("act as root", |targets| {
        targets.other_user && rustix::process::getuid().is_root()
    }),
];

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

fn judge(targets: &Targets) -> Option<u32> {
    targets.judge.as_ref().map(|(id, _)| *id)
}

fn signals(id: u32) -> bool {
    pid(id).is_none_or(|pid| test_kill_process(pid).is_ok())
}

fn opens_memory(id: u32) -> bool {
    File::open(format!("/proc/{id}/mem")).is_ok()
        || fs::read_link(format!("/proc/{id}/exe")).is_ok()
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn status(name: &str) -> String {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// Sockets with a path that this user may connect to. Landlock before Linux 7.1 doesn't refuse it, and behind a socket may be
/// a service that runs programs for its user.
pub(super) fn reachable_sockets(targets: &Targets) -> Vec<PathBuf> {
    let listed = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let mut all: Vec<PathBuf> = listed
        .lines()
        .filter_map(|line| {
            line.find(" /")
                .map(|start| PathBuf::from(&line[start + 1..]))
        })
        .collect();
    // Those of other network namespaces, mounted into this one.
    all.extend(["/run/docker.sock", "/run/containerd/containerd.sock"].map(PathBuf::from));
    all.sort();
    all.dedup();
    all.retain(|path| is_socket(path, targets.other_user) && connects(path));
    all
}

/// Whether there is a socket; for a user of its own, one that isn't open to everybody anyway.
fn is_socket(path: &Path, other_user: bool) -> bool {
    fs::metadata(path).is_ok_and(|found| {
        let for_everybody = found.mode() & 0o002 != 0;
        found.file_type().is_socket() && !(other_user && for_everybody)
    })
}

fn connects(path: &Path) -> bool {
    let connect = || {
        let address = SocketAddrUnix::new(path)?;
        // Without waiting for one that listens, but accepts nobody.
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        net::connect(&socket, &address)
    };
    // Nobody may listen there any more, or it takes datagrams: neither is a refusal.
    connect() != Err(Errno::ACCESS) && connect() != Err(Errno::PERM)
}
