//! Wrong: panics when no memory can be mapped
//! Changes: shared_mapping
//! Fails: shared_mapping::a_mapping_that_fails_is_an_error
//! Section: memory/exercise.md#one-counter-for-two-processes

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1).expect("memory");
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
