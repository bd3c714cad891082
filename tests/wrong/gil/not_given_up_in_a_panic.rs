//! Wrong: keeps the lock when its holder panics
//! Changes: switching
//! Fails: switching::a_panic_gives_the_lock_up
//! Section: gil/exercise.md#step-2-switching

impl Drop for GilGuard<'_> {
    fn drop(&mut self) {
        if os::thread::panicking() {
            return;
        }
        self.gil.release();
    }
}
