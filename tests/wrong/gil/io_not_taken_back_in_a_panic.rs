//! Wrong: takes the lock back after `work`, which a panic skips
//! Changes: io_first
//! Fails: io_first::a_panic_takes_the_lock_back
//! Section: gil/exercise.md#take-it-back-in-a-panic-too

impl IoFirstGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        self.lock.requested.load(Ordering::Relaxed) && self.lock.switch()
    }

    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        struct TakeBack<'a>(&'a IoFirst);
        impl Drop for TakeBack<'_> {
            fn drop(&mut self) {
                self.0.take(true);
            }
        }
        self.lock.release();
        let result = work();
        let _back = TakeBack(self.lock);
        result
    }
}
