//! Wrong: returns an error when there is no list
//! Changes: shared_mapping
//! Fails: shared_mapping::no_list_no_process
//! Section: memory/exercise.md#step-3-a-shared-mapping

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    if work.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let mut children = Vec::new();
    let mut outcome: io::Result<()> = Ok(());
    for list in work {
        match process::fork(|| {
            for n in list {
                counter.fetch_add(*n, Ordering::SeqCst);
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
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| counter.load(Ordering::SeqCst))
}
