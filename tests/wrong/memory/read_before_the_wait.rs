//! Wrong: reads the total before it waits, while the children may still add
//! Changes: shared_mapping
//! Fails: shared_mapping::the_total_is_read_after_the_children_have_ended
//! Section: memory/exercise.md#wait-for-your-children

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
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
    let total = counter.load(Ordering::SeqCst);
    for child in children {
        outcome = outcome.and(child.wait());
    }
    outcome.map(|()| total)
}
