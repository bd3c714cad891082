//! Right: locks a block that all children have inherited, around a load and a store
//! Changes: shared_mapping

use os::memory::{Block, Mapping, Ordering};
use os::process;
use std::io;
use std::sync::atomic::AtomicU32;

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let block = Block::create(&format!("sum-lock-{}-{number}", std::process::id()), 8)?;
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for list in work {
        match process::fork(|| {
            for n in list {
                let _lock = block.lock()?;
                counter.store(counter.load(Ordering::Relaxed) + n, Ordering::Relaxed);
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
    block.unlink()?;
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
