//! Wrong: counts 0 for a worker that was killed
//! Changes: end_of_file
//! Fails: end_of_file::a_killed_worker_is_an_error
//! Section: crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end

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
        let _ = stream.write_all(input);
        children.push(child);
        // Here our end is dropped. Nobody else has it, so the worker sees the end of its input.
    }
    let mut sums = Vec::new();
    for child in children {
        sums.push(child.wait().unwrap_or(0));
    }
    outcome.map(|()| sums)
}
