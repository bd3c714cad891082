//! Right: has threads that open scopes of their own
//! Changes: lost_updates

fn go(lists: &[Vec<u64>], counter: &AtomicU64) {
    if let [first, rest @ ..] = lists {
        thread::scope(|s| {
            s.spawn(|| go_on(first, rest, counter));
        });
    }
}

fn go_on(first: &[u64], rest: &[Vec<u64>], counter: &AtomicU64) {
    thread::scope(|s| {
        if let [next, rest @ ..] = rest {
            s.spawn(move || go_on(next, rest, counter));
        }
        for n in first {
            counter.fetch_add(*n, Ordering::Relaxed);
        }
    });
}

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::default();
    go(&work, &counter);
    counter.into_inner()
}
