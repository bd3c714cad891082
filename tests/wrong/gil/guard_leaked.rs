//! Wrong: acquires a second guard and leaks it: the lock is given up once and taken twice
//! Changes: allow_threads
//! Fails: allow_threads::others_hold_the_lock_meanwhile
//! Section: gil/exercise.md#give-it-up-take-it-back

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let result = {
            let _back = TakeBack(self.gil);
            work()
        };
        self.gil.release();
        std::mem::forget(self.gil.acquire());
        std::mem::forget(self.gil.acquire());
        result
    }
}
