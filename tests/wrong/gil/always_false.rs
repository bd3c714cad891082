//! Wrong: passes the lock on, and says that it didn't
//! Changes: switching
//! Fails: switching::a_safe_point_tells_whether_the_lock_changed_hands
//! Section: gil/exercise.md#hand-it-over

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::Relaxed) {
            return false;
        }
        self.gil.release();
        self.gil.take(); // with a new ticket, so all who wait come first
        false
    }
}
