//! Right: holds all children at a pipe until the last one is forked
//! Changes: shared_mapping

use os::memory::{Mapping, Ordering};
use os::process::{self, ParentOnly};
use std::io::{self, Read};

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let (reader, writer) = io::pipe()?;
    let writer = ParentOnly::new(writer);
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for list in work {
        let mut gate = &reader;
        match process::fork(|| {
            gate.read_to_end(&mut Vec::new())?; // end of file when the parent has forked all
            for n in list {
                mapping.word(0).fetch_add(*n, Ordering::SeqCst);
            }
            Ok(())
        }) {
            Ok(child) => children.push(child),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    drop(writer);
    for child in children {
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| mapping.word(0).load(Ordering::SeqCst))
}
