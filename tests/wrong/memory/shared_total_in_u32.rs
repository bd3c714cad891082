//! Wrong: assumes that the total fits into a `u32`
//! Changes: shared_mapping
//! Fails: shared_mapping::the_sum_may_need_all_64_bits
//! Section: memory/exercise.md#step-3-a-shared-mapping

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
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
    outcome.map(|()| u64::from(counter.load(Ordering::SeqCst) as u32))
}
