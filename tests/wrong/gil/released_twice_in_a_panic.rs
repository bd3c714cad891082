//! Wrong: gives the lock up once more when `work` panics
//! Changes: allow_threads
//! Fails: allow_threads::a_panic_takes_the_lock_back
//! Section: gil/exercise.md#take-it-back-in-a-panic-too

impl Drop for TakeBack<'_> {
    fn drop(&mut self) {
        if os::thread::panicking() {
            self.0.release();
        }
        self.0.take();
    }
}
