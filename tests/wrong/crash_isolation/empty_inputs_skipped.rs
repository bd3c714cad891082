//! Wrong: forks no worker for an empty input
//! Changes: end_of_file
//! Fails: end_of_file::siblings_do_not_keep_an_input_open
//! Section: crash_isolation/exercise.md#who-holds-it

pub fn sum_in_workers(inputs: &[Vec<u8>]) -> io::Result<Vec<u64>> {
    let mut workers = Vec::new();
    let mut outcome = Ok(());
    for _ in inputs.iter().filter(|input| !input.is_empty()) {
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
    for child in children {
        match child.wait() {
            Ok(sum) => sums.push(sum),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome.map(|()| sums)
}
