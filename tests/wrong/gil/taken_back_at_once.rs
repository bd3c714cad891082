//! Wrong: binds the value to `_`, which drops it at once: `work` runs with the lock
//! Changes: allow_threads
//! Fails: allow_threads::others_hold_the_lock_meanwhile
//! Section: gil/exercise.md#give-it-up-take-it-back

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let _ = TakeBack(self.gil);
        work()
    }
}
