//! What the system itself withholds from a program and from everything it starts.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::{io, os::unix::process::CommandExt, process::Command};

/// What the system enforces, for the program and, one by one, for each process that it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of address space of each process. macOS doesn't enforce it.
    pub memory: Option<u64>,
    /// Bytes of a file that a process writes.
    pub file_size: Option<u64>,
    /// Whether the kernel kills the program when the *thread* that started it ends. Linux only.
    ///
    /// It covers a supervisor that is killed itself and cannot clean up. Leave it off for a program that outlives the
    /// thread that starts it.
    pub die_with_parent: bool,
    /// Whether a crash leaves no core dump.
    pub no_core_dump: bool,
}

impl Limits {
    /// Has `command` apply the limits in the new process, before the program begins.
    pub(crate) fn apply(self, command: &mut Command) {
        if self == Self::default() {
            // Without a hook in between, the standard library starts programs by `posix_spawn`, which is faster.
            return;
        }
        let parent = std::process::id();
        let prepare = move || {
            let at_most = |resource, bytes: u64| {
                let limit = Rlimit {
                    current: Some(bytes),
                    maximum: Some(bytes),
                };
                setrlimit(resource, limit)
            };
            if self.no_core_dump {
                at_most(Resource::Core, 0)?;
            }
            if let Some(bytes) = self.memory {
                lenient(at_most(Resource::As, bytes))?;
            }
            if let Some(bytes) = self.file_size {
                lenient(at_most(Resource::Fsize, bytes))?;
            }
            if self.die_with_parent {
                die_with_parent(parent)?;
            }
            Ok(())
        };
        // SAFETY: between fork and exec only async-signal-safe calls are allowed. The closure makes plain system calls
        // (setrlimit, prctl, getppid, exit) on numbers that it captured by value: no allocation, no locks.
        unsafe {
            command.pre_exec(prepare);
        }
    }
}

/// A lower limit is in force already, which is as good.
fn lenient(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Err(rustix::io::Errno::PERM) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the call above: then nobody would send the signal.
    let now = getppid().map(|pid| pid.as_raw_nonzero().get().cast_unsigned());
    if now == Some(parent) {
        Ok(())
    } else {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: u32) -> io::Result<()> {
    Ok(())
}
