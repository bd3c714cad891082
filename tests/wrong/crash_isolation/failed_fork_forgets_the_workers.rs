//! Wrong: returns at once when a fork fails
//! Changes: end_of_file
//! Fails: end_of_file::a_fork_that_fails_is_an_error
//! Section: crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end

pub fn sum_in_workers(inputs: &[Vec<u8>]) -> io::Result<Vec<u64>> {
    let mut workers = Vec::new();
    let mut outcome = Ok(());
    for _ in inputs {
        workers.push(start()?);
    }
    let mut children = Vec::new();
    for ((mut stream, child), input) in workers.into_iter().zip(inputs) {
        if outcome.is_ok() {
            outcome = stream.write_all(input);
        }
        children.push(child);
        // Here our end is dropped. Nobody else has it, so the worker sees the end of its input.
    }
    let mut sums = Vec::new();
    for child in children {
        match child.wait() {
            Ok(sum) => sums.push(sum),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome.map(|()| sums)
}
