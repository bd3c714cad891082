//! Step 4: a pool that outlives its workers.

use crate::outcome::Outcome;
use std::io;

/// Why a task has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the last worker that worked on it ended.
    pub outcome: Outcome,
    /// The message of that worker's crash report, if it wrote one.
    pub message: Option<String>,
}

/// Runs `work` on every task in forked workers, and returns the answers in the order of `tasks`.
///
/// At most `workers` workers live at the same time, and never more than there are tasks. Each takes one task after the other,
/// and all work at the same time.
///
/// A worker may die at any moment: by a panic, by a signal, by an exit. If it was working on a task, that task fails, and its
/// place has a [`Failure`]; if `attempts` is more than 1, it is tried again, in another worker, until it has been tried
/// `attempts` times. No other task suffers: it runs exactly once, and its answer arrives, even if it was waiting for the
/// worker that died. A worker that dies is replaced while there are tasks to do. The death of an idle worker costs nothing.
///
/// When the function returns, even with an error, no process is left, running or as a zombie, and no descriptor. If the
/// process that called it is killed, by SIGKILL, its workers end, too. Without tasks no worker is started.
///
/// # Errors
/// When there are tasks, but `workers` or `attempts` is 0, or when a worker can't be started.
pub fn run_tasks(
    tasks: &[u64],
    workers: usize,
    attempts: usize,
    work: &dyn Fn(u64) -> u64,
) -> io::Result<Vec<Result<u64, Failure>>> {
    let _ = (workers, attempts, work);
    todo!(
        "start workers, give each a task, collect answers and deaths until all {} tasks are settled",
        tasks.len()
    )
}
