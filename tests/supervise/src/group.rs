//! A program in a process group of its own, which can be killed as a whole and waited for with a timeout.

use crate::limits::Limits;
use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};
use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
};

/// A started program that leads a process group. Dropping it kills the group and reaps the program.
#[derive(Debug)]
pub struct Group {
    /// `None` once reaped: from then on the group's id may belong to strangers.
    leader: Option<Leader>,
    pid: Pid,
    pidfd: Option<OwnedFd>,
}

#[derive(Debug)]
enum Leader {
    /// Started here.
    Started(Child),
    /// Handed to this process by the kernel, as the nearest that takes in orphans.
    #[cfg(target_os = "linux")]
    Adopted,
    /// The child of a process in another PID namespace.
    #[cfg(target_os = "linux")]
    Contained(Contained),
}

impl Group {
    /// Starts `command` as the leader of a new process group, under `limits`.
    ///
    /// # Errors
    /// When the program can't be started. The message doesn't name it.
    pub fn spawn(command: &mut Command, limits: Limits) -> io::Result<Self> {
        command.process_group(0);
        limits.apply(command);
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        Ok(Self {
            pidfd: open_pidfd(pid),
            leader: Some(Leader::Started(child)),
            pid,
        })
    }

    /// Takes over a child of this process that leads a process group of its own.
    ///
    /// # Errors
    /// When it is no child of this process.
    #[cfg(target_os = "linux")]
    pub(crate) fn adopt(pid: Pid) -> io::Result<Self> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(pid), look)?;
        Ok(Self {
            pidfd: open_pidfd(pid),
            leader: Some(Leader::Adopted),
            pid,
        })
    }

    /// Takes over a program in another PID namespace, which leads a process group there.
    ///
    /// # Errors
    /// When it is gone already, or can't be seen from here.
    #[cfg(target_os = "linux")]
    pub(crate) fn contained(keeper: Contained, pidfd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pid: contained::pid_of(&pidfd)?,
            leader: Some(Leader::Contained(keeper)),
            pidfd: Some(pidfd),
        })
    }

    /// The id of the process, and of its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    fn started(&mut self) -> Option<&mut Child> {
        match self.leader.as_mut()? {
            Leader::Started(child) => Some(child),
            #[cfg(target_os = "linux")]
            Leader::Adopted | Leader::Contained(_) => None,
        }
    }

    /// A pidfd to ask, where the kernel tells only the program's parent and that is another process.
    #[cfg(target_os = "linux")]
    fn contained_pidfd(&self) -> Option<&OwnedFd> {
        match self.leader.as_ref()? {
            Leader::Contained(_) => self.pidfd.as_ref(),
            _ => None,
        }
    }

    /// The write end of the program's standard input, once, if it was piped.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.started()?.stdin.take()
    }

    /// The read end of the program's standard output, once, if it was piped.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.started()?.stdout.take()
    }

    /// The read end of the program's standard error, once, if it was piped.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.started()?.stderr.take()
    }

    /// A descriptor that becomes readable when the program ends. `None` where the kernel has no pidfds: poll
    /// [`has_ended`](Self::has_ended) instead.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Whether the program has ended. It isn't reaped by this: it stays a zombie that guards the group's id.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.leader.is_none() || self.peek(WaitIdOptions::NOHANG)
    }

    /// Waits until the program has ended, without reaping it.
    pub(crate) fn wait_ended(&self) {
        if self.leader.is_some() {
            self.peek(WaitIdOptions::empty());
        }
    }

    fn peek(&self, how: WaitIdOptions) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(pidfd) = self.contained_pidfd() {
            return contained::has_ended(pidfd, how.contains(WaitIdOptions::NOHANG));
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | how;
        loop {
            match waitid(WaitId::Pid(self.pid), options) {
                Ok(status) => return status.is_some(),
                Err(Errno::INTR) => {}
                // Somebody else reaped it, so it has ended.
                Err(_) => return true,
            }
        }
    }

    /// Kills every process of the group.
    pub fn kill(&self) {
        // The leader is running or a zombie, since only `reap` reaps it: the group's id is still its own.
        if self.leader.is_some() {
            #[cfg(target_os = "linux")]
            if let Some(pidfd) = self.contained_pidfd()
                && !contained::pid_of(pidfd).is_ok_and(|pid| pid == self.pid)
            {
                // Somebody in its namespace killed the keeper: the zombie is reaped, and the id may belong to strangers.
                return;
            }
            // Fails only when everybody is gone already.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    /// Kills the group, then reaps the program and says how it ended: by itself if it had before, else by SIGKILL.
    ///
    /// # Errors
    /// When somebody else reaped the program.
    pub fn reap(mut self) -> io::Result<ExitStatus> {
        self.kill();
        match self.leader.take() {
            Some(leader) => leader.wait(self.pid),
            None => unreachable!("only `reap` and `drop` take it, and both end this value"),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        if let Some(leader) = self.leader.take() {
            let _ = leader.wait(self.pid);
        }
    }
}

impl Leader {
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables))]
    fn wait(self, pid: Pid) -> io::Result<ExitStatus> {
        match self {
            Self::Started(mut child) => child.wait(),
            #[cfg(target_os = "linux")]
            Self::Adopted => adopted::wait(pid),
            #[cfg(target_os = "linux")]
            Self::Contained(keeper) => Ok(keeper.wait()),
        }
    }
}

#[cfg(target_os = "linux")]
mod adopted {
    use super::{Errno, ExitStatus, Pid, io};
    use rustix::process::{WaitOptions, waitpgid, waitpid};
    use std::os::unix::process::ExitStatusExt;

    /// Reaps the leader, and what was handed to this process of its group meanwhile.
    pub(super) fn wait(pid: Pid) -> io::Result<ExitStatus> {
        let status = loop {
            match waitpid(Some(pid), WaitOptions::empty()) {
                Ok(Some((_, status))) => break ExitStatus::from_raw(status.as_raw()),
                Ok(None) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        };
        while matches!(waitpgid(pid, WaitOptions::NOHANG), Ok(Some(_))) {}
        Ok(status)
    }
}

#[cfg(target_os = "linux")]
pub(crate) use contained::{Contained, parent_of, pid_of, wait_for_word};

#[cfg(target_os = "linux")]
mod contained {
    use super::{AsFd, ExitStatus, OwnedFd, Pid, io};
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        process::{Signal, kill_process},
    };
    use std::{
        fs,
        io::Read,
        os::{fd::AsRawFd, unix::net::UnixStream, unix::process::ExitStatusExt},
        time::{Duration, Instant},
    };

    /// How long a keeper may take to report an end that has been seen.
    const DEADLINE: Duration = Duration::from_secs(5);

    /// How often a process that says nothing is told to go on.
    const LOOK: Duration = Duration::from_millis(100);

    /// The connection to the process that waits for a contained program, and its id. It keeps the zombie until this is dropped.
    #[derive(Debug)]
    pub(crate) struct Contained(UnixStream, Option<Pid>);

    impl Contained {
        pub(crate) fn new(keeper: UnixStream, pid: Option<Pid>) -> Self {
            Self(keeper, pid)
        }

        /// How the program ended. Without a keeper it was killed along with it.
        pub(super) fn wait(mut self) -> ExitStatus {
            let mut status = [0; 4];
            let _ = self.0.set_read_timeout(Some(DEADLINE));
            let word = wait_for_word(&self.0, self.1, DEADLINE);
            match word.and_then(|()| self.0.read_exact(&mut status)) {
                Ok(()) => ExitStatus::from_raw(i32::from_ne_bytes(status)),
                Err(_) => ExitStatus::from_raw(Signal::KILL.as_raw()),
            }
        }
    }

    /// Waits until a process in the sandbox has written something. A program that it runs may have stopped it: it is told to go on.
    pub(crate) fn wait_for_word(
        from: &UnixStream,
        process: Option<Pid>,
        most: Duration,
    ) -> io::Result<()> {
        let begin = Instant::now();
        let look = Timespec::try_from(LOOK).expect("a short time");
        while begin.elapsed() < most {
            let mut fds = [PollFd::new(from, PollFlags::IN)];
            match poll(&mut fds, Some(&look)) {
                Ok(0) => {
                    if let Some(process) = process {
                        let _ = kill_process(process, Signal::CONT);
                    }
                }
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// The parent of a process, as it is seen from here.
    pub(crate) fn parent_of(pid: Pid) -> Option<Pid> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        // `pid (name) state ppid …`, where the name may hold anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        fields
            .split(' ')
            .nth(1)?
            .parse()
            .ok()
            .and_then(Pid::from_raw)
    }

    /// The id that the process has here; an error once it is reaped.
    pub(crate) fn pid_of(pidfd: &OwnedFd) -> io::Result<Pid> {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
        let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"));
        pid.and_then(|pid| pid.trim().parse().ok())
            .filter(|pid| *pid > 0)
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Whether the process has ended; waits for its end unless `at_once`.
    pub(super) fn has_ended(pidfd: &OwnedFd, at_once: bool) -> bool {
        let now = Timespec::default();
        loop {
            let mut fds = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
            match poll(&mut fds, at_once.then_some(&now)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn open_pidfd(pid: Pid) -> Option<OwnedFd> {
    // The child is not reaped yet, so the id is its own. Linux before 5.3 has no pidfds.
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_pidfd(_: Pid) -> Option<OwnedFd> {
    None
}
