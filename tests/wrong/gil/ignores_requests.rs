//! Wrong: never looks at the request
//! Changes: switching
//! Fails: switching::the_lock_changes_hands_at_the_next_safe_point
//! Section: gil/exercise.md#hand-it-over

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        self.gil.requested.store(false, Ordering::Relaxed);
        false
    }
}
