//! Step 3: processes share a counter all the same.

use os::memory::{Mapping, Ordering};
use os::process;
use std::io;

/// Adds up all numbers in `work` with processes: one child for each inner list, even for an empty one.
///
/// All children run at the same time, and each adds the numbers of its list to one counter, in memory that they
/// share with their parent. No update is lost. When the function returns, even with an error, no child is left,
/// running or as a zombie, and nothing else is: no mapping, no open file. The sum fits into a `u64`.
///
/// It is [`sum_in_threads`](crate::lost_updates::sum_in_threads) again, with processes instead of threads.
///
/// # Errors
/// When memory can't be mapped, a process can't be forked, or a child doesn't return.
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
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    for child in children {
        outcome = outcome.and(child.wait()); // waits for every child, whatever became of the others
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
