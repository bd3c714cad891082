//! What exercises need of the system, in a subject.

use super::Targets;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, memfd_create},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            net::{SocketAddr, UnixStream},
            process::ExitStatusExt,
        },
    },
    path::Path,
    process::{Command, Stdio},
    sync::{Condvar, Mutex},
    thread,
};

type Need = (&'static str, fn(&Targets) -> io::Result<()>);

pub(super) const ALL: &[Need] = &[
    ("a child process", |_| child()),
    ("a pidfd or a signal to a child", |_| signal()),
    ("/proc", |_| proc()),
    ("a file in memory", |_| memory_file()),
    ("/dev/shm", |_| shared_memory()),
    ("a block of CPython's", peers_block),
    ("a futex between threads", |_| futex()),
    ("a pair of sockets", |_| pair()),
    ("a socket of its judge's", judges_socket),
    ("a folder for temporary files", |_| scratch()),
    ("a daemon", |_| daemon()),
];

fn child() -> io::Result<()> {
    let status = Command::new("/bin/sh").args(["-c", "exit 7"]).status()?;
    check(status.code() == Some(7))
}

fn signal() -> io::Result<()> {
    let mut child = Command::new("sleep").arg("100").spawn()?;
    let pid = Pid::from_child(&child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    kill_process(pid, Signal::TERM)?;
    let ten_seconds = Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    poll(
        &mut [PollFd::new(&pidfd, PollFlags::IN)],
        Some(&ten_seconds),
    )?;
    check(child.wait()?.signal() == Some(Signal::TERM.as_raw()))
}

fn proc() -> io::Result<()> {
    let child = Command::new("sleep").arg("100").spawn();
    let mut child = child?;
    let read = fs::read(format!("/proc/{}/stat", child.id()))
        .and_then(|_| fs::read("/proc/self/smaps"))
        .and_then(|_| fs::read_dir(format!("/proc/{}/fd", child.id())));
    child.kill()?;
    child.wait()?;
    read.map(drop)
}

fn memory_file() -> io::Result<()> {
    let mut file = File::from(memfd_create("probe", MemfdFlags::CLOEXEC)?);
    file.write_all(b"x")?;
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    check(text == "x")
}

fn shared_memory() -> io::Result<()> {
    let path = format!("/dev/shm/course-probe-{}", std::process::id());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    let used = file.set_len(4096).and_then(|()| file.write_all(b"x"));
    fs::remove_file(path)?;
    used
}

fn peers_block(targets: &Targets) -> io::Result<()> {
    let Some(name) = &targets.block else {
        return Ok(());
    };
    let path = Path::new("/dev/shm").join(name);
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    check(byte == [42])
}

fn futex() -> io::Result<()> {
    let (ready, changed) = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            if let Ok(mut ready) = ready.lock() {
                *ready = true;
                changed.notify_one();
            }
        });
        let guard = ready.lock().map_err(|_| io::ErrorKind::Other)?;
        drop(changed.wait_while(guard, |ready| !*ready));
        Ok(())
    })
}

fn pair() -> io::Result<()> {
    let (mut one, mut other) = UnixStream::pair()?;
    one.write_all(b"x")?;
    other.read_exact(&mut [0])
}

fn judges_socket(targets: &Targets) -> io::Result<()> {
    let Some((_, name)) = &targets.judge else {
        return Err(io::ErrorKind::NotFound.into());
    };
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}

fn scratch() -> io::Result<()> {
    let folder = env::temp_dir().join("folder");
    fs::create_dir(&folder)?;
    fs::write(folder.join("one"), "x")?;
    fs::rename(folder.join("one"), folder.join("other"))?;
    fs::remove_dir_all(folder)
}

/// Nothing that an exercise needs, but its end is looked at afterwards.
fn daemon() -> io::Result<()> {
    // Out of its group and session, without a mark in its environment, and nobody's child soon.
    let daemon = Command::new("setsid")
        .args(["sleep", "1000"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    println!("daemon: {}", daemon.id());
    Ok(())
}

fn check(holds: bool) -> io::Result<()> {
    if holds {
        Ok(())
    } else {
        Err(io::Error::other("it does something else"))
    }
}
