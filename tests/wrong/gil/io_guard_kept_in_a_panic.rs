//! Wrong: doesn't give the lock up when the thread panics
//! Changes: io_first
//! Fails: io_first::a_panic_gives_the_lock_up
//! Section: gil/exercise.md#step-2-switching

impl Drop for IoFirstGuard<'_> {
    fn drop(&mut self) {
        if !os::thread::panicking() {
            self.lock.release();
        }
    }
}
