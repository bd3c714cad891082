//! A program that is started once and forked for each run, which costs a tenth of a start. Linux only.
//!
//! Starting a program anew means loading it, linking its libraries and asking the processor what it can do: a millisecond
//! and more, of which a run of a few dozen microseconds has nothing. A fork server has all that behind it.
//!
//! It forks twice for each run, and the process in between ends at once. The kernel then hands its child to the nearest
//! ancestor that asked for orphans (`PR_SET_CHILD_SUBREAPER`), which is the supervisor: so the program's parent is the process
//! that waits for it and kills it, as if that one had started it.
//!
//! In a PID namespace of its own the program's orphans go to that namespace's init instead. So a *contained* fork server
//! ([`ForkServer::start_contained`]) keeps a process for each run, the keeper, which is the run's parent. It passes a pidfd
//! to the supervisor, which waits and kills by it, and reports how the run ended. When the supervisor is done with the run, the
//! keeper ends what is left of it. Otherwise one run could use up the processes that a sandbox may have, and the next would get none.
//!
//! Both ends are here. The supervisor has a [`ForkServer`]; the program looks at its standard input with [`requested`], first
//! of all in `main`, and goes on in each fork with what it was given:
//!
//! ```no_run
//! # use supervise::fork_server;
//! fn main() {
//!     match fork_server::requested() {
//!         Some(socket) => { /* this is one run: answer over the socket */ }
//!         None => { /* somebody else started this program */ }
//!     }
//! }
//! ```

use crate::{
    Options,
    group::{Contained, Group, parent_of, pid_of, wait_for_word},
    run::Running,
    sweep::processes,
};
use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
    process::{Pid, PidfdFlags, pidfd_open, set_child_subreaper},
};
use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    process::{Command, Stdio},
    time::Duration,
};

/// What a supervisor writes into a fork server's standard input before it starts the program.
const MAGIC: &[u8; 8] = b"forksrv\n";

/// How long a fork server may take to answer: a busy machine needs milliseconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// A started program that forks on request. Dropping it ends it; its forks go on.
#[derive(Debug)]
pub struct ForkServer {
    // The process first: it takes the end of `control` for the end of the supervisor, and with that all forks end.
    process: Group,
    control: UnixStream,
    contained: bool,
    /// The process that forks, once it is known. Contained, it isn't the one that was started.
    server: Option<Pid>,
}

impl ForkServer {
    /// Starts `command` as a fork server. This process takes in orphans from now on.
    ///
    /// # Errors
    /// When the program can't be started. Whether it is a fork server at all shows at the first [`spawn`](Self::spawn).
    pub fn start(command: &mut Command) -> io::Result<Self> {
        // The argument is only looked at for being some process.
        set_child_subreaper(Some(rustix::process::getpid()))?;
        Self::begin(command, false)
    }

    /// Starts `command`, which runs the program in a PID namespace of its own, as a fork server. Its runs are not this
    /// process's children: how they ended is the word of a process in that namespace, so never let a verdict depend on it.
    ///
    /// # Errors
    /// When the program can't be started. Whether it is a fork server at all shows at the first [`spawn`](Self::spawn).
    pub fn start_contained(command: &mut Command) -> io::Result<Self> {
        Self::begin(command, true)
    }

    fn begin(command: &mut Command, contained: bool) -> io::Result<Self> {
        let (mut control, theirs) = UnixStream::pair()?;
        // In the socket before the process exists, so that it knows at once what it is.
        control.write_all(MAGIC)?;
        control.set_read_timeout(Some(DEADLINE))?;
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null());
        let process = Group::spawn(command, crate::Limits::default())?;
        // `command` holds the program's end of the socket: closed here, the end of the program is the end of the stream.
        command.stdin(Stdio::null());
        Ok(Self {
            control,
            process,
            contained,
            server: None,
        })
    }

    /// The id of the program that is forked.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Forks the program: in the fork [`requested`] returns `socket`, and what it prints goes to the returned value, which
    /// leads a process group of its own. Of `options`, the limits are not looked at.
    ///
    /// # Errors
    /// When the fork server is gone, can't fork, or doesn't answer.
    pub fn spawn(&mut self, socket: BorrowedFd<'_>, options: &Options) -> io::Result<Running> {
        let (stdout, their_stdout) = io::pipe()?;
        let (stderr, their_stderr) = io::pipe()?;
        let streams = [socket, their_stdout.as_fd(), their_stderr.as_fd()];
        let group = if self.contained {
            let (keeper, theirs) = UnixStream::pair()?;
            let [socket, out, err] = streams;
            self.request(&[socket, out, err, theirs.as_fd()])?;
            drop(theirs);
            keeper.set_read_timeout(Some(DEADLINE))?;
            let (answer, pidfd) = recv_with_fd(&keeper)?;
            told(answer)?;
            let pidfd = pidfd.ok_or(io::ErrorKind::InvalidData)?;
            let run = pid_of(&pidfd)?;
            let parent = parent_of(run);
            self.server = self.server.or_else(|| parent_of(parent?));
            Group::contained(Contained::new(keeper, parent), pidfd)?
        } else {
            Group::adopt(self.request(&streams)?)?
        };
        Running::adopt(group, stdout.into(), stderr.into(), options)
    }

    /// Asks for a fork, and returns the id that the server tells.
    fn request(&mut self, fds: &[BorrowedFd<'_>]) -> io::Result<Pid> {
        send_with_fds(&self.control, b"!", fds)?;
        let mut answer = [0; 4];
        wait_for_word(&self.control, self.server, DEADLINE)?;
        self.control.read_exact(&mut answer)?;
        told(answer)
    }
}

/// The id in an answer, or the error.
fn told(answer: [u8; 4]) -> io::Result<Pid> {
    match i32::from_ne_bytes(answer) {
        errno if errno < 0 => Err(io::Error::from_raw_os_error(-errno)),
        pid => Ok(Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?),
    }
}

fn send_with_fds(to: &UnixStream, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(4))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(fds));
    sendmsg(
        to,
        &[IoSlice::new(bytes)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// An answer and the descriptor that came with it.
fn recv_with_fd(from: &UnixStream) -> io::Result<([u8; 4], Option<OwnedFd>)> {
    let mut answer = [0; 4];
    let (bytes, fds) = recv_with_fds(from, &mut answer)?;
    if bytes != answer.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((answer, fds.into_iter().next()))
}

fn recv_with_fds(from: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        let flags = RecvFlags::CMSG_CLOEXEC;
        match recvmsg(from, &mut [IoSliceMut::new(bytes)], &mut ancillary, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    let fds = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    Ok((message.bytes, fds))
}

/// In the program: `None` if nobody started it as a fork server. Otherwise it serves, and returns in each fork, with the
/// socket that [`ForkServer::spawn`] was given.
///
/// Standard input tells: it is a socket that already holds the magic bytes. A fork's own is empty.
///
/// # Panics
/// When this process has more than one thread: a fork has one, and what the others had locked would stay so.
#[must_use]
pub fn requested() -> Option<UnixStream> {
    let mut begin = [0; MAGIC.len()];
    let (_, peeked) = rustix::net::recv(
        io::stdin(),
        &mut begin,
        RecvFlags::PEEK | RecvFlags::DONTWAIT,
    )
    .ok()?;
    if peeked != MAGIC.len() || begin != *MAGIC {
        return None;
    }
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    assert_eq!(threads, 1, "a fork server has one thread");
    match serve() {
        Ok(Some(socket)) => Some(socket),
        Ok(None) => exit(0),
        Err(error) => {
            eprintln!("fork server: {error}");
            exit(102)
        }
    }
}

/// Forks on request, until the supervisor has closed its end.
fn serve() -> io::Result<Option<UnixStream>> {
    let mut control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    install(&File::open("/dev/null")?.into(), 0)?;
    control.read_exact(&mut [0; MAGIC.len()])?;
    let (mut from_between, to_server) = io::pipe()?;
    let mut runs = Runs::default();
    while let Some(Request {
        socket,
        stdout,
        stderr,
        keeper,
    }) = receive(&control)?
    {
        // Keepers of earlier runs that have ended.
        while matches!(
            rustix::process::waitpid(None, rustix::process::WaitOptions::NOHANG),
            Ok(Some(_))
        ) {}
        // SAFETY: `requested` has seen that this is the only thread, and nothing here starts another: the child finds no
        // lock that somebody else holds. It may therefore go on as any program.
        let between = unsafe { libc::fork() };
        if between == 0 {
            // SAFETY: as above.
            match unsafe { libc::fork() } {
                0 => {
                    drop((control, from_between, to_server, keeper));
                    runs.forget();
                    // The process in between does the same: whoever comes first, it is done before the supervisor hears.
                    // SAFETY: takes plain numbers.
                    unsafe { libc::setpgid(0, 0) };
                    install(&stdout, 1)?;
                    install(&stderr, 2)?;
                    return Ok(Some(UnixStream::from(socket)));
                }
                child => {
                    let answer = answer(child);
                    if child > 0 {
                        // SAFETY: takes plain numbers.
                        unsafe { libc::setpgid(child, child) };
                    }
                    if let Some(keeper) = keeper {
                        drop((socket, stdout, stderr, control, from_between, to_server));
                        keep(&keeper.into(), answer);
                    } else {
                        let _ = (&to_server).write_all(&answer.to_ne_bytes());
                    }
                    exit(0);
                }
            }
        }
        drop((socket, stdout, stderr));
        let mut told = answer(between).to_ne_bytes();
        if between > 0 && keeper.is_none() {
            // It writes before it ends, and ends at once: afterwards its child is the supervisor's.
            from_between.read_exact(&mut told)?;
            reap(between)?;
            runs.add(i32::from_ne_bytes(told));
        }
        control.write_all(&told)?;
    }
    Ok(None)
}

/// The process groups of this fork server's runs. Dropped at the end of the supervisor, it kills those that are still
/// there: a supervisor that was killed itself could not, and a run's own children don't notice its end.
///
/// A pidfd stands for its group even after the leader has ended, and never for a stranger's with the same number. Before Linux
/// 6.9 no group can be reached this way, so there a run's children stay until they end by themselves.
#[derive(Default)]
struct Runs(Vec<OwnedFd>);

impl Runs {
    /// Takes in the group that this child of nobody here leads, and lets go of those that have ended.
    fn add(&mut self, leader: i32) {
        self.0.retain(|run| signal_group(run, 0));
        let leader = Pid::from_raw(leader).filter(|pid| pid.as_raw_nonzero().get() > 0);
        self.0
            .extend(leader.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()));
    }

    /// In a fork: the runs are the server's.
    fn forget(&mut self) {
        self.0.clear();
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        for run in &self.0 {
            signal_group(run, libc::SIGKILL);
        }
    }
}

/// Whether the process group that this leads, or led, could be sent a signal. With 0 none is sent.
fn signal_group(leader: &OwnedFd, signal: i32) -> bool {
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
    // SAFETY: takes plain numbers and no `siginfo_t`.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            leader.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            PIDFD_SIGNAL_PROCESS_GROUP,
        )
    };
    result == 0
}

/// In a keeper: hands the supervisor a pidfd of `child`, reports how it ended, and keeps its zombie until the supervisor
/// has closed its end, so that the process id stays the child's.
fn keep(supervisor: &UnixStream, child: i32) {
    let pid = Pid::from_raw(child).filter(|_| child > 0);
    let pidfd = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let told = if pidfd.is_some() || child < 0 {
        child
    } else {
        -libc::ENOSYS
    };
    let fds: Vec<_> = pidfd.iter().map(AsFd::as_fd).collect();
    let sent = send_with_fds(supervisor, &told.to_ne_bytes(), &fds);
    drop(pidfd);
    let Some(pid) = pid else { return };
    // What the run leaves comes here.
    let _ = set_child_subreaper(Some(rustix::process::getpid()));
    if sent.is_err() {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    // The status as `waitpid` encodes it, without reaping.
    // SAFETY: a zeroed siginfo is valid, and it is ours to write to.
    let status = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let id = child.cast_unsigned();
        while libc::waitid(
            libc::P_PID,
            id,
            &raw mut info,
            libc::WEXITED | libc::WNOWAIT,
        ) < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
        match info.si_code {
            libc::CLD_EXITED => info.si_status() << 8,
            _ => info.si_status(),
        }
    };
    let _ = (&*supervisor).write_all(&status.to_ne_bytes());
    let _ = (&*supervisor).read(&mut [0]);
    let _ = reap(child);
    end_orphans();
}

/// In a keeper, whose run has ended: ends what the run left, which are this process's children by now.
fn end_orphans() {
    /// One that forks faster than it is killed ends with its sandbox.
    const ROUNDS: usize = 100;
    let me = std::process::id();
    let id = |pid: u32| Pid::from_raw(pid.cast_signed());
    for _ in 0..ROUNDS {
        loop {
            match rustix::process::wait(rustix::process::WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        let all = processes().unwrap_or_default();
        let ours = all.into_iter().filter(|process| process.parent == me);
        let orphans: Vec<_> = ours.filter_map(|process| id(process.pid)).collect();
        for orphan in &orphans {
            let _ = rustix::process::kill_process(*orphan, rustix::process::Signal::KILL);
        }
        for orphan in orphans {
            let _ = reap(orphan.as_raw_nonzero().get());
        }
    }
}

/// What a supervisor asks a fork to be.
struct Request {
    socket: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    /// Of a contained fork server: the supervisor's end is the run's keeper's.
    keeper: Option<OwnedFd>,
}

/// The next request; `None` when the supervisor has closed its end.
fn receive(control: &UnixStream) -> io::Result<Option<Request>> {
    let (bytes, fds) = recv_with_fds(control, &mut [0])?;
    if bytes == 0 {
        return Ok(None);
    }
    let mut fds = fds.into_iter();
    match (fds.next(), fds.next(), fds.next(), fds.next()) {
        (Some(socket), Some(stdout), Some(stderr), keeper) => Ok(Some(Request {
            socket,
            stdout,
            stderr,
            keeper,
        })),
        _ => Err(io::Error::other("a request without its descriptors")),
    }
}

/// What `fork` returned, as the supervisor is told it: the child's id, or the error, negative.
fn answer(forked: libc::pid_t) -> i32 {
    if forked > 0 {
        return forked;
    }
    let error = io::Error::last_os_error().raw_os_error();
    -error.unwrap_or(libc::EAGAIN)
}

/// Makes `fd` the descriptor `number`, one of the standard streams.
fn install(fd: &OwnedFd, number: RawFd) -> io::Result<()> {
    // SAFETY: takes plain numbers. The standard streams have no owner that would miss what was there.
    if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn reap(child: libc::pid_t) -> io::Result<()> {
    loop {
        match rustix::process::waitpid(Pid::from_raw(child), rustix::process::WaitOptions::empty())
        {
            Err(rustix::io::Errno::INTR) => {}
            other => return other.map(drop).map_err(io::Error::from),
        }
    }
}

/// Ends this process, and nothing more: what it shares with its parent is left as it is.
fn exit(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}
