//! Wrong: adds with a load and a store: two atomic steps aren't one
//! Changes: shared_mapping
//! Fails: shared_mapping::no_update_is_lost_between_processes
//! Section: memory/exercise.md#two-additions-one-lost

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let mut children = Vec::new();
    let mut outcome = Ok(());
    for numbers in work {
        match process::fork(|| {
            for &n in numbers {
                counter.store(counter.load(Ordering::SeqCst) + n, Ordering::SeqCst);
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
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
