//! Wrong: takes the sums from the first worker only and leaves the others
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
        if outcome.is_ok() {
            outcome = stream.write_all(input);
        }
        children.push(child);
        // Here our end is dropped. Nobody else has it, so the worker sees the end of its input.
    }
    let mut sums = Vec::new();
    for (place, child) in children.into_iter().enumerate() {
        if place + 1 == inputs.len() && place > 0 {
            sums.push(total(&inputs[place]));
            continue;
        }
        match child.wait() {
            Ok(sum) => sums.push(sum),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome.map(|()| sums)
}

fn total(input: &[u8]) -> u64 {
    input.iter().map(|byte| u64::from(*byte)).sum()
}
