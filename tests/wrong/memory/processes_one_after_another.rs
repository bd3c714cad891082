//! Wrong: waits for each child before it forks the next one
//! Changes: shared_mapping
//! Fails: shared_mapping::all_children_run_at_the_same_time
//! Section: memory/exercise.md#wait-for-your-children

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let mut outcome = Ok(());
    for numbers in work {
        match process::fork(|| {
            for &n in numbers {
                counter.fetch_add(n, Ordering::Relaxed);
            }
            Ok(())
        }) {
            Ok(child) => outcome = outcome.and(child.wait()),
            Err(error) => return Err(error),
        }
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
