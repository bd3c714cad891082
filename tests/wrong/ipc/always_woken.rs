//! Wrong: makes the system call for every message
//! Changes: sleeping
//! Fails: sleeping::nobody_is_woken_who_does_not_sleep
//! Section: ipc/exercise.md#step-5-asleep-until-woken

fn wake(ring: Ring<'_>, asleep: usize) {
    // Two sides, two words: this one writes its counter and reads "asleep", the other writes "asleep" and reads the counter.
    // With a fence between the two in both, at least one sees what the other wrote.
    fence(Ordering::SeqCst);
    let asleep = ring.memory.word(asleep);
    asleep.store(0, Ordering::Relaxed);
    asleep.wake_all();
}
