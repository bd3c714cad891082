//! Wrong: looks at the request under the mutex
//! Changes: switching
//! Fails: switching::without_waiters_a_safe_point_keeps_the_lock
//! Section: gil/exercise.md#hand-it-over

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        let tickets = self.gil.tickets();
        let requested = self.gil.requested.load(Ordering::Relaxed);
        drop(tickets);
        if !requested {
            return false;
        }
        self.gil.release();
        self.gil.take(); // with a new ticket, so all who wait come first
        true
    }
}
