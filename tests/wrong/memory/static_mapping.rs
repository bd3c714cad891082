//! Wrong: keeps one mapping in a `static`, so a second call starts from the first one's total
//! Changes: shared_mapping
//! Fails: shared_mapping::one_process_adds_its_whole_list
//! Section: memory/exercise.md#step-3-a-shared-mapping

static MAPPING: std::sync::OnceLock<Mapping> = std::sync::OnceLock::new();

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    if MAPPING.get().is_none() {
        let _ = MAPPING.set(Mapping::shared(1)?);
    }
    let counter = MAPPING.get().unwrap().word(0);
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
