//! Wrong: gives each child a word of its own and adds them up
//! Changes: shared_mapping
//! Fails: shared_mapping::the_children_add_to_one_shared_counter
//! Section: memory/exercise.md#one-counter-for-two-processes

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(work.len())?;
    let mut children = Vec::new();
    let mut outcome: io::Result<()> = Ok(());
    for (i, list) in work.iter().enumerate() {
        match process::fork(|| {
            for n in list {
                mapping.word(i).fetch_add(*n, Ordering::SeqCst);
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
    outcome.map(|()| {
        (0..work.len())
            .map(|i| mapping.word(i).load(Ordering::SeqCst))
            .sum()
    })
}
