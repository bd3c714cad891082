//! Wrong: returns when a fork fails, and leaves the children forked before
//! Replaces: shared_mapping
//! Fails: shared_mapping::a_fork_that_fails_is_an_error
//! Section: memory.md#wait-for-your-children

use os::memory::{Mapping, Ordering};
use os::process;
use std::io;

/// The sum of all numbers in `work`, added up by processes: one child for each inner list.
///
/// All children run at the same time and add their numbers to one counter in memory that they share with
/// their parent. No update is lost, and when this returns no child is left, running or as a zombie.
///
/// It is the job of [`sum_in_threads`](crate::lost_updates::sum_in_threads) on the other side of the wall.
///
/// # Errors
/// When memory cannot be mapped, a process cannot be forked, or a child did not come to its end.
pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    // All are forked before the first is waited for, so that they run at the same time.
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for numbers in work {
        match process::fork(|| {
            for &n in numbers {
                counter.fetch_add(n, Ordering::Relaxed);
            }
            Ok(())
        }) {
            Ok(child) => children.push(child),
            Err(error) => return Err(error),
        }
    }
    for child in children {
        outcome = outcome.and(child.wait()); // waits for every child, whatever became of the others
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
