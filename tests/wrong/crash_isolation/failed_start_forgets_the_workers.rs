//! Wrong: returns the error and forgets the workers that run
//! Changes: pool
//! Fails: pool::a_worker_that_cannot_be_started_is_an_error
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
        members: Vec::new(),
    };
    pool.run()?;
    pool.end(false)?;
    let settled: Option<Vec<_>> = pool.settled.into_iter().collect();
    settled.ok_or_else(|| io::Error::other("run_tasks: a task was never settled"))
}
