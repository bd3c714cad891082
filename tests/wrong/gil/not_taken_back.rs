//! Wrong: passes the lock on at a safe point, and goes on without it
//! Changes: switching
//! Fails: switching::only_one_thread_holds_the_lock
//! Section: gil/exercise.md#first-come-first-served

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::Relaxed) {
            return false;
        }
        self.gil.release();
        true
    }
}
