//! Wrong: leaves the lock taken when a thread panics
//! Changes: lock
//! Fails: lock::a_panic_releases_the_lock
//! Section: gil/exercise.md#a-guard-is-dropped-in-a-panic-too

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if os::thread::panicking() {
            return;
        }
        *self.lock.state() = false; // first the state, then the notification: whoever wakes looks at the state
        self.lock.unlocked.notify_one();
    }
}
