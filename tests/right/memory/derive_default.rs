//! Right: keeps the counter in a struct that derives `Default`, and checks itself with a second one
//! Changes: lost_updates

use os::model::Turn;
use os::sync::{Arc, AtomicU64, Ordering};
use os::thread;

#[derive(Debug, Default)]
struct Tally {
    total: AtomicU64,
    numbers: AtomicU64,
}

impl Tally {
    fn add(&self, n: u64) {
        self.total.fetch_add(n, Ordering::SeqCst);
        self.numbers.fetch_add(1, Ordering::SeqCst);
    }
}

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let tally = Arc::<Tally>::default();
    let expected: usize = work.iter().map(Vec::len).sum();
    let handles: Vec<_> = work
        .into_iter()
        .map(|list| {
            let tally = Arc::clone(&tally);
            thread::spawn(move || list.into_iter().for_each(|n| tally.add(n)))
        })
        .collect();
    handles.into_iter().for_each(|h| h.join().unwrap());
    assert_eq!(tally.numbers.load(Ordering::SeqCst), expected as u64);
    tally.total.load(Ordering::SeqCst)
}
