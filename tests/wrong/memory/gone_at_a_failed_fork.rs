//! Wrong: returns when a fork fails and leaves the earlier children unwaited
//! Changes: shared_mapping
//! Fails: shared_mapping::a_fork_that_fails_is_an_error
//! Section: memory/exercise.md#wait-for-your-children

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for numbers in work {
        match process::fork(|| {
            for &n in numbers {
                counter.fetch_add(n, Ordering::Relaxed);
            }
            Ok(())
        }) {
            Ok(child) => children.push(child),
            Err(error) => return Err(error),
        }
    }
    for child in children {
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
