//! Wrong: wakes and leaves the word at 1, so that a sleeper that comes a moment later sleeps on
//! Changes: sleeping
//! Fails: sleeping::messages_arrive_under_any_schedule
//! Section: ipc/exercise.md#no-wake-up-is-lost

fn wake(ring: Ring<'_>, asleep: usize) {
    // Two sides, two words: this one writes its counter and reads "asleep", the other writes "asleep" and reads the counter.
    // With a fence between the two in both, at least one sees what the other wrote.
    fence(Ordering::SeqCst);
    let asleep = ring.memory.word(asleep);
    if asleep.load(Ordering::Relaxed) == 1 {
        asleep.wake_all();
    }
}
