//! Wrong: gives the lock up and never takes it back
//! Changes: allow_threads
//! Fails: allow_threads::the_lock_is_held_again_afterwards
//! Section: gil/exercise.md#give-it-up-take-it-back

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let result = work();
        std::mem::forget(TakeBack(self.gil));
        result
    }
}
