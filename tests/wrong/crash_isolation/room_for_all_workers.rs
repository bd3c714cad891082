//! Wrong: reserves room for as many workers as it may have, not for as many as it needs
//! Changes: pool
//! Fails: pool::more_workers_than_tasks_are_not_started
//! Section: crash_isolation/exercise.md#step-4-a-pool

pub fn run_tasks(
    tasks: &[u64],
    workers: usize,
    attempts: usize,
    work: &dyn Fn(u64) -> u64,
) -> io::Result<Vec<Result<u64, Failure>>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    if workers == 0 || attempts == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "run_tasks: without workers and attempts no task is ever done",
        ));
    }
    let mut pool = Pool {
        tasks,
        work,
        attempts,
        most: workers.min(tasks.len()),
        waiting: (0..tasks.len()).collect(),
        tried: vec![0; tasks.len()],
        settled: vec![None; tasks.len()],
        members: Vec::with_capacity(workers),
    };
    let ran = pool.run();
    let ended = pool.end(ran.is_err());
    ran.and(ended)?;
    let settled: Option<Vec<_>> = pool.settled.into_iter().collect();
    settled.ok_or_else(|| io::Error::other("run_tasks: a task was never settled"))
}
