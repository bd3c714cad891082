//! Wrong: says that the lock changed hands whenever it looked
//! Changes: switching
//! Fails: switching::without_waiters_a_safe_point_keeps_the_lock
//! Section: gil/exercise.md#hand-it-over

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::Relaxed) {
            return true;
        }
        self.gil.release();
        self.gil.take(); // with a new ticket, so all who wait come first
        true
    }
}
