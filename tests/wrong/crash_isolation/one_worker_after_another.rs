//! Wrong: waits for a worker before it forks the next
//! Changes: end_of_file
//! Fails: end_of_file::all_workers_are_forked_before_the_first_is_waited_for
//! Section: crash_isolation/exercise.md#step-6-a-worker-that-never-sees-the-end

pub fn sum_in_workers(inputs: &[Vec<u8>]) -> io::Result<Vec<u64>> {
    let mut workers = Vec::new();
    let mut outcome = Ok(());
    for input in inputs {
        match start() {
            Ok((mut stream, child)) => {
                outcome = outcome.and(stream.write_all(input));
                drop(stream);
                workers.push(child.wait());
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    let mut sums = Vec::new();
    for sum in workers {
        match sum {
            Ok(sum) => sums.push(sum),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome.map(|()| sums)
}
