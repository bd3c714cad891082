//! Wrong: takes a `SeqCst` load of the word for a fence after the counter was moved
//! Changes: sleeping
//! Fails: sleeping::messages_arrive_under_any_schedule
//! Section: ipc/exercise.md#no-wake-up-is-lost

fn wake(ring: Ring<'_>, asleep: usize) {
    let asleep = ring.memory.word(asleep);
    if asleep.load(Ordering::SeqCst) == 1 {
        asleep.store(0, Ordering::Relaxed);
        asleep.wake_all();
    }
}
