//! Right: forks the other children even if one fork has failed
//! Changes: shared_mapping

pub fn sum_in_processes(work: &[Vec<u64>]) -> io::Result<u64> {
    let mapping = Mapping::shared(1)?;
    let forked: Vec<_> = work
        .iter()
        .map(|list| {
            process::fork(|| {
                for n in list {
                    mapping.word(0).fetch_add(*n, Ordering::SeqCst);
                }
                Ok(list.len() as u64)
            })
        })
        .collect();
    let mut numbers = 0;
    let mut failures = Vec::new();
    for child in forked {
        match child.and_then(|child| child.wait()) {
            Ok(added) => numbers += added,
            Err(error) => failures.push(error.to_string()),
        }
    }
    if failures.is_empty() {
        assert_eq!(numbers, work.iter().map(|l| l.len() as u64).sum::<u64>());
        Ok(mapping.word(0).load(Ordering::SeqCst))
    } else {
        Err(io::Error::other(failures.join("; ")))
    }
}
