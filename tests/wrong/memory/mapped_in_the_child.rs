//! Wrong: maps the counter in the child, where the parent can't see it
//! Changes: shared_mapping
//! Fails: shared_mapping::the_children_add_to_one_shared_counter
//! Section: memory/exercise.md#one-counter-for-two-processes

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let mut children = Vec::new();
    let mut outcome: io::Result<()> = Ok(());
    for list in work {
        match process::fork(|| {
            let own = Mapping::shared(1)?;
            for n in list {
                own.word(0).fetch_add(*n, Ordering::SeqCst);
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
    outcome.map(|()| mapping.word(0).load(Ordering::SeqCst))
}
