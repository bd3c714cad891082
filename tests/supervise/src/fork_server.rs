//! A program that is started once and forked for each run, which costs a tenth of a start. Linux only.
//!
//! Starting a program anew means loading it, linking its libraries and asking the processor what it can do: a millisecond
//! and more, of which a run of a few dozen microseconds has nothing. A fork server has all that behind it.
//!
//! It forks twice for each run, and the process in between ends at once. The kernel then hands its child to the nearest
//! ancestor that asked for orphans (`PR_SET_CHILD_SUBREAPER`), which is the supervisor: so the program's parent is the process
//! that waits for it and kills it, as if that one had started it.
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

use crate::{Options, group::Group, run::Running};
use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
    process::{Pid, set_child_subreaper},
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
    control: UnixStream,
    process: Group,
}

impl ForkServer {
    /// Starts `command` as a fork server. This process takes in orphans from now on.
    ///
    /// # Errors
    /// When the program can't be started. Whether it is a fork server at all shows at the first [`spawn`](Self::spawn).
    pub fn start(command: &mut Command) -> io::Result<Self> {
        // The argument is only looked at for being some process.
        set_child_subreaper(Some(rustix::process::getpid()))?;
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
        Ok(Self { control, process })
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
        let fds = [socket, their_stdout.as_fd(), their_stderr.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        sendmsg(
            &self.control,
            &[IoSlice::new(b"!")],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )?;
        let mut answer = [0; 4];
        self.control.read_exact(&mut answer)?;
        match i32::from_ne_bytes(answer) {
            errno if errno < 0 => Err(io::Error::from_raw_os_error(-errno)),
            pid => {
                let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
                Running::adopt(pid, stdout.into(), stderr.into(), options)
            }
        }
    }
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
    while let Some([socket, stdout, stderr]) = receive(&control)? {
        // SAFETY: `requested` has seen that this is the only thread, and nothing here starts another: the child finds no
        // lock that somebody else holds. It may therefore go on as any program.
        let between = unsafe { libc::fork() };
        if between == 0 {
            // SAFETY: as above.
            match unsafe { libc::fork() } {
                0 => {
                    drop((control, from_between, to_server));
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
                    let _ = (&to_server).write_all(&answer.to_ne_bytes());
                    exit(0);
                }
            }
        }
        drop((socket, stdout, stderr));
        let mut told = answer(between).to_ne_bytes();
        if between > 0 {
            // It writes before it ends, and ends at once: afterwards its child is the supervisor's.
            from_between.read_exact(&mut told)?;
            reap(between)?;
        }
        control.write_all(&told)?;
    }
    Ok(None)
}

/// The three descriptors of a request; `None` when the supervisor has closed its end.
fn receive(control: &UnixStream) -> io::Result<Option<[OwnedFd; 3]>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        let flags = RecvFlags::CMSG_CLOEXEC;
        match recvmsg(
            control,
            &mut [IoSliceMut::new(&mut byte)],
            &mut ancillary,
            flags,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    if message.bytes == 0 {
        return Ok(None);
    }
    let fds: Vec<OwnedFd> = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    match fds.try_into() {
        Ok(fds) => Ok(Some(fds)),
        Err(_) => Err(io::Error::other("a request without its descriptors")),
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
