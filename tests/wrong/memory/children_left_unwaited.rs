//! Wrong: waits until the total is there, but for no child: zombies stay
//! Changes: shared_mapping
//! Fails: shared_mapping::no_child_is_left_behind
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
    drop(children);
    let expected: u64 = work.iter().flatten().sum();
    while outcome.is_ok() && counter.load(Ordering::SeqCst) != expected {
        os::thread::yield_now();
    }
    outcome.map(|()| counter.load(Ordering::Relaxed))
}
