//! Wrong: has one child add up all lists
//! Changes: shared_mapping
//! Fails: shared_mapping::every_list_has_a_process_of_its_own
//! Section: memory/exercise.md#step-3-a-shared-mapping

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    process::fork(|| {
        for n in work.iter().flatten() {
            mapping.word(0).fetch_add(*n, Ordering::SeqCst);
        }
        Ok(())
    })?
    .wait()?;
    Ok(mapping.word(0).load(Ordering::SeqCst))
}
