//! Right: counts in a block that loses its name at once
//! Changes: shared_mapping

use os::memory::{Block, Ordering};
use os::process;
use std::io;
use std::sync::atomic::AtomicU32;

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let block = Block::create(&format!("sum-{}-{number}", std::process::id()), 8)?;
    block.unlink()?;
    let counter = block.word(0)?;
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for list in work {
        match process::fork(|| {
            for n in list {
                counter.fetch_add(*n, Ordering::Relaxed);
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
    for child in children {
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
