//! Step 6, a bonus: a worker that never sees the end of its input.

use os::process::{self, Child, ParentOnly};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// Returns which of the processes `pids` have a descriptor of the socket or pipe whose inode is `inode`, in the order of `pids`.
///
/// In `/proc/<pid>/fd` every open descriptor is a symbolic link. One of a socket reads `socket:[12345]`, one of a pipe
/// `pipe:[12345]`, and the number is the inode. A process that is gone has no descriptors; that is no error.
///
/// # Errors
/// When the descriptors of a process that exists can't be read.
pub fn holders(inode: u64, pids: &[u32]) -> io::Result<Vec<u32>> {
    let links = [format!("socket:[{inode}]"), format!("pipe:[{inode}]")];
    let mut holders = Vec::new();
    for pid in pids {
        let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // it is gone
            descriptors => descriptors?,
        };
        let holds = descriptors.flatten().any(|descriptor| {
            // One that was closed meanwhile has no link any more.
            fs::read_link(descriptor.path())
                .is_ok_and(|link| links.iter().any(|l| link.as_os_str() == l.as_str()))
        });
        if holds {
            holders.push(*pid);
        }
    }
    Ok(holders)
}

/// Adds up the bytes of each input in a worker of its own, and returns the sums in the order of `inputs`.
///
/// A worker is a forked child at one end of a `UnixStream::pair()`. It reads its input from there **until end of file**, adds up
/// the bytes, and returns the sum from its closure. All workers are forked before anything is written, and before the first one
/// is waited for, so that they work at the same time.
///
/// If the process that called this function is killed before it has written everything, its workers end, too. No child
/// is left when the function returns, even with an error.
///
/// # Errors
/// When a stream can't be made, a child can't be forked, or a worker doesn't return.
pub fn sum_in_workers(inputs: &[Vec<u8>]) -> io::Result<Vec<u64>> {
    let mut workers = Vec::new();
    let mut outcome = Ok(());
    for _ in inputs {
        match start() {
            Ok(worker) => workers.push(worker),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    let mut children = Vec::new();
    for ((mut stream, child), input) in workers.into_iter().zip(inputs) {
        if outcome.is_ok() {
            outcome = stream.write_all(input);
        }
        children.push(child);
        // Here our end is dropped. Nobody else has it, so the worker sees the end of its input.
    }
    let mut sums = Vec::new();
    for child in children {
        match child.wait() {
            Ok(sum) => sums.push(sum),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome.map(|()| sums)
}

/// Forks a worker. Our end of its stream is ours alone: neither the worker itself nor those that are forked later get a copy,
/// which would keep it open.
fn start() -> io::Result<(ParentOnly<UnixStream>, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let ours = ParentOnly::new(ours);
    let child = process::fork(move || {
        let mut input = Vec::new();
        theirs.read_to_end(&mut input)?;
        Ok(input.iter().map(|byte| u64::from(*byte)).sum())
    })?;
    Ok((ours, child))
}
