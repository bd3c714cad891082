//! The probe of level L1: goes through the launcher twice, as a judge and its subject do, and tries there what exercises need
//! and what a submission must not reach.

mod escapes;
mod needs;

use super::bad;
use crate::sandbox::{Unit, confined::Confined, confined::Entry};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    ops::ControlFlow,
    os::{
        linux::net::SocketAddrExt,
        unix::fs::PermissionsExt,
        unix::net::{SocketAddr, UnixListener},
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};
use supervise::{Options, Stop};

/// The first argument of the probe that stands for a judge, and of the one that stands for a subject.
pub(in crate::sandbox) const OUTER: &str = "contain-probe-outside";
pub(in crate::sandbox) const INNER: &str = "contain-probe";

/// How long the probe may take. It takes a quarter of a second; but it starts CPython twice, which on a machine at load 14
/// took more than 20 s.
const DEADLINE: Duration = Duration::from_secs(120);

/// A block of shared memory that stays until a line comes.
const PEER: &str = "\
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=64)
block.buf[0] = 42
print(block.name, flush=True)
input()
print(block.buf[0], flush=True)
block.close()
block.unlink()
";

/// What the probe aims at, all of it outside of the unit.
#[derive(Debug, Serialize, Deserialize)]
struct Targets {
    /// The grader.
    process: u32,
    /// A file that anybody may read and its owner write to.
    secret: PathBuf,
    /// Where somebody listens.
    port: u16,
    abstract_name: String,
    /// Folders that hold a `Cargo.toml`.
    hidden: Vec<PathBuf>,
    /// Whether it has to run as another user.
    other_user: bool,
    /// In the unit: the judge, a socket that it listens at, and the peer's block.
    judge: Option<(u32, String)>,
    block: Option<String>,
}

/// Runs the probe.
pub(in crate::sandbox) fn confined(sandbox: &Confined) -> Result<(), String> {
    let problem = |error: std::io::Error| error.to_string();
    let folder = tempfile::Builder::new()
        .prefix("course-probe-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .map_err(problem)?;
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret").map_err(problem)?;
    let tcp = TcpListener::bind("127.0.0.1:0").map_err(problem)?;
    let abstract_name = format!("course-probe-{}", std::process::id());
    let _socket = listen(&abstract_name).map_err(problem)?;
    let targets = Targets {
        process: std::process::id(),
        secret,
        port: tcp.local_addr().map_err(problem)?.port(),
        abstract_name,
        hidden: sandbox.hidden().to_vec(),
        other_user: sandbox.has_other_user(),
        judge: None,
        block: None,
    };
    let path = folder.path().join("targets");
    let text = serde_json::to_vec(&targets).map_err(|error| error.to_string())?;
    fs::write(&path, text).map_err(problem)?;

    let mut contained = sandbox
        .enter(&Unit::default(), Entry::Probe(&path))
        .map_err(problem)?;
    let command = std::mem::replace(&mut contained.command, Command::new("true"));
    let go_on = |_, _: &str| ControlFlow::Continue(());
    let outcome = supervise::run(command, &Options::new(DEADLINE), &Stop::new(), go_on);
    let outcome = outcome.map_err(problem)?;
    // Which waits until the unit is gone.
    drop(contained);
    bad(&outcome)?;
    let text = outcome.stdout.text();
    let daemon = text.lines().find_map(|line| line.strip_prefix("daemon: "));
    match daemon.map(|id| fs::read_to_string(format!("/proc/{id}/stat"))) {
        // A zombie is process 1's to reap.
        Some(Ok(stat)) if !stat.contains(") Z ") => Err("a daemon outlives its unit".to_owned()),
        Some(_) => Ok(()),
        None => Err("no daemon could be started".to_owned()),
    }
}

fn listen(abstract_name: &str) -> std::io::Result<UnixListener> {
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(abstract_name)?)
}

/// In the unit.
pub(in crate::sandbox) fn inside(
    word: &str,
    mut arguments: impl Iterator<Item = OsString>,
) -> ExitCode {
    let path = arguments.next().unwrap_or_default();
    let read = fs::read(path).and_then(|text| Ok(serde_json::from_slice(&text)?));
    let done = match read {
        Ok(targets) if word == OUTER => as_judge(targets),
        Ok(targets) => {
            as_subject(&targets);
            Ok(())
        }
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        println!("bad: {word}: {error}");
    }
    ExitCode::SUCCESS
}

/// Starts a peer and a subject.
fn as_judge(mut targets: Targets) -> std::io::Result<()> {
    let name = format!("course-probe-judge-{}", std::process::id());
    let _socket = listen(&name)?;
    targets.judge = Some((std::process::id(), name));
    let mut peer = match env::var_os("CHECKS_PYTHON") {
        Some(python) => Some(
            Command::new(python)
                .args(["-E", "-S", "-c", PEER])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?,
        ),
        None => None,
    };
    let mut lines = peer
        .as_mut()
        .and_then(|peer| Some(BufReader::new(peer.stdout.take()?).lines()));
    let mut hear = move || lines.as_mut().and_then(Iterator::next).transpose();
    println!("at: the start of CPython");
    targets.block = hear()?;
    if peer.is_some() && targets.block.is_none() {
        println!("bad: CPython can't make shared memory");
    }
    println!("at: the start of a subject");
    let path = env::temp_dir().join("targets");
    fs::write(&path, serde_json::to_vec(&targets)?)?;
    let subject = env::var_os("CHECKS_SUBJECT").unwrap_or_default();
    let ended = Command::new(subject)
        .arg(INNER)
        .arg(path)
        .stdin(Stdio::null())
        .status()?;
    if !ended.success() {
        println!("bad: the subject {ended}");
    }
    if let Some(mut peer) = peer {
        println!("at: the end of CPython");
        drop(peer.stdin.take());
        peer.wait()?;
    }
    println!("done");
    Ok(())
}

/// Tries everything.
fn as_subject(targets: &Targets) {
    for (name, works) in needs::ALL {
        println!("at: {name}");
        if let Err(error) = works(targets) {
            println!("bad: {name} can't be used: {error}");
        }
    }
    for (name, succeeds) in escapes::ALL {
        println!("at: {name}");
        if succeeds(targets) {
            println!("bad: it can {name}");
        }
    }
    println!("at: sockets with a path");
    for socket in escapes::reachable_sockets(targets) {
        println!(
            "bad: it can connect to {}, which this kernel can't refuse (Linux 7.1 can)",
            socket.display()
        );
    }
}

/// A file that isn't there, beside `path`.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name("beside")
}
