//! Wrong: expects every list to have a first number
//! Changes: shared_mapping
//! Fails: shared_mapping::empty_lists_add_nothing
//! Section: memory/exercise.md#step-3-a-shared-mapping

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let mut children = Vec::new();
    let mut outcome: io::Result<()> = Ok(());
    for list in work {
        match process::fork(|| {
            let sum = list.iter().copied().reduce(|a, b| a + b).unwrap();
            counter.fetch_add(sum, Ordering::SeqCst);
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
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| counter.load(Ordering::SeqCst))
}
