//! Wrong: maps the counter privately, so every child adds to a copy of its own
//! Changes: shared_mapping
//! Fails: shared_mapping::the_children_add_to_one_shared_counter
//! Section: memory/exercise.md#one-counter-for-two-processes

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::private(1)?;
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
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
