//! Right: retries a `compare_exchange` until it succeeds; another order of turns
//! Changes: lost_updates

pub fn losing_turns() -> Vec<Turn> {
    vec![Turn::B, Turn::A, Turn::A, Turn::B]
}

fn add(counter: &AtomicU64, n: u64) {
    loop {
        let seen = counter.load(Ordering::Acquire);
        if counter
            .compare_exchange(seen, seen + n, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
        {
            return;
        }
    }
}

pub fn sum_in_threads(work: Vec<Vec<u64>>) -> u64 {
    let counter = AtomicU64::new(0);
    thread::scope(|s| {
        for list in &work {
            let counter = &counter;
            s.spawn(move || list.iter().for_each(|n| add(counter, *n)));
        }
    });
    counter.load(Ordering::SeqCst)
}
