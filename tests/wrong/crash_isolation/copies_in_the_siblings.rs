//! Wrong: closes the copy of its own worker, not those of the later ones
//! Changes: end_of_file
//! Fails: end_of_file::siblings_do_not_keep_an_input_open
//! Section: crash_isolation/exercise.md#who-holds-it

use os::process::{self, Child};
use std::fs;
use std::io::{self, Read, Write};
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
        drop(stream);
        children.push(child.wait());
    }
    let mut sums = Vec::new();
    for child in children {
        match child {
            Ok(sum) => sums.push(sum),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome.map(|()| sums)
}

fn start() -> io::Result<(UnixStream, Child<u64>)> {
    let (ours, mut theirs) = UnixStream::pair()?;
    let mut mine = Some(ours.try_clone()?);
    let mut copy = Some(ours);
    let child = process::fork(|| {
        drop((mine.take(), copy.take()));
        let mut input = Vec::new();
        theirs.read_to_end(&mut input)?;
        Ok(input.iter().map(|byte| u64::from(*byte)).sum())
    })?;
    drop(mine);
    let ours = copy.ok_or_else(|| io::Error::other("the parent has its own"))?;
    Ok((ours, child))
}
