//! Wrong: treats a thread that comes back as any other
//! Changes: io_first
//! Fails: io_first::a_thread_that_comes_back_goes_first
//! Section: gil/exercise.md#bonus-beat-cpython

impl IoFirstGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        self.lock.requested.load(Ordering::Relaxed) && self.lock.switch()
    }

    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        struct TakeBack<'a>(&'a IoFirst);
        impl Drop for TakeBack<'_> {
            fn drop(&mut self) {
                self.0.take(false);
            }
        }
        self.lock.release();
        let _back = TakeBack(self.lock);
        work()
    }
}
