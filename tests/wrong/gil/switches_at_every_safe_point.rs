//! Wrong: passes the lock on at every safe point, asked or not
//! Changes: switching
//! Fails: switching::without_waiters_a_safe_point_keeps_the_lock
//! Section: gil/exercise.md#hand-it-over

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        self.gil.release();
        self.gil.take(); // with a new ticket, so all who wait come first
        true
    }
}
