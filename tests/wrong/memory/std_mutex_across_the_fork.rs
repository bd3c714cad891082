//! Wrong: guards the counter with a `std` mutex, which each child gets a copy of
//! Changes: shared_mapping
//! Fails: shared_mapping::no_update_is_lost_between_processes
//! Section: memory/exercise.md#two-additions-one-lost

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let counter = mapping.word(0);
    let lock = std::sync::Mutex::new(());
    let mut children = Vec::new();
    let mut outcome: io::Result<()> = Ok(());
    for list in work {
        match process::fork(|| {
            for n in list {
                let _guard = lock.lock().unwrap();
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
    outcome.map(|()| counter.load(Ordering::SeqCst))
}
