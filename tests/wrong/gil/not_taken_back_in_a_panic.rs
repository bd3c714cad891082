//! Wrong: takes the lock back after `work`, which a panic skips
//! Changes: allow_threads
//! Fails: allow_threads::a_panic_takes_the_lock_back
//! Section: gil/exercise.md#take-it-back-in-a-panic-too

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let result = work();
        let _back = TakeBack(self.gil);
        result
    }
}
