//! Wrong: shuts its end down, and leaves copies of it to all
//! Changes: end_of_file
//! Fails: end_of_file::a_killed_caller_leaves_no_workers
//! Section: crash_isolation/exercise.md#who-holds-it

use os::process::{self, Child};
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

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
        let _ = stream.shutdown(Shutdown::Write);
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

fn start() -> io::Result<(UnixStream, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let child = process::fork(move || {
        let mut input = Vec::new();
        theirs.read_to_end(&mut input)?;
        Ok(input.iter().map(|byte| u64::from(*byte)).sum())
    })?;
    Ok((ours, child))
}
