//! Right: guards the counter with a spin lock in the same mapping
//! Changes: shared_mapping

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(2)?;
    let (lock, counter) = (mapping.word(0), mapping.word(1));
    let mut children = Vec::with_capacity(work.len());
    let mut result = Ok(());
    for list in work {
        let forked = process::fork(|| {
            for n in list {
                while lock
                    .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                    .is_err()
                {
                    std::thread::yield_now();
                }
                counter.store(counter.load(Ordering::SeqCst) + n, Ordering::SeqCst);
                lock.store(0, Ordering::SeqCst);
            }
            Ok(())
        });
        match forked {
            Ok(child) => children.push(child),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    for child in children {
        let ended = child.wait();
        if result.is_ok() {
            result = ended;
        }
    }
    result?;
    Ok(counter.load(Ordering::SeqCst))
}
