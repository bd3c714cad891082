//! Wrong: returns at the first child that failed and leaves the others unwaited
//! Changes: shared_mapping
//! Fails: shared_mapping::a_killed_child_is_an_error
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
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    for child in children {
        child.wait()?;
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
