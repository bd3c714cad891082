//! Step 3: processes share a counter all the same.

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
    todo!(
        "map a counter that is shared, fork a child for each of the {} lists, wait for all, read it",
        work.len()
    )
}
