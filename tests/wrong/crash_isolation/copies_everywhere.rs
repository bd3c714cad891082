//! Wrong: leaves its end to all children
//! Changes: end_of_file
//! Fails: end_of_file::a_killed_caller_leaves_no_workers
//! Section: crash_isolation/exercise.md#who-holds-it

use os::process::{self, Child};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

fn start() -> io::Result<(UnixStream, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let child = process::fork(move || {
        let mut input = Vec::new();
        theirs.read_to_end(&mut input)?;
        Ok(input.iter().map(|byte| u64::from(*byte)).sum())
    })?;
    Ok((ours, child))
}
