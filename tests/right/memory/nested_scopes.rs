//! Right: opens a scope inside a scope for each list
//! Changes: lost_updates

fn level(lists: &[Vec<u64>], counter: &AtomicU64) {
    let Some((first, rest)) = lists.split_first() else {
        return;
    };
    thread::scope(|s| {
        s.spawn(|| {
            for n in first {
                counter.fetch_add(*n, Ordering::Relaxed);
            }
        });
        level(rest, counter);
    });
}

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    level(&work, &counter);
    counter.into_inner()
}
