//! Wrong: catches the panic and raises another one
//! Changes: allow_threads
//! Fails: allow_threads::a_panic_goes_on_to_the_caller
//! Section: gil/exercise.md#take-it-back-in-a-panic-too

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        drop(TakeBack(self.gil));
        result.expect("work panicked")
    }
}
