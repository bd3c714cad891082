//! Wrong: wakes a waiter, and the lock stays taken
//! Changes: lock
//! Fails: lock::a_free_lock_is_taken_at_once
//! Section: gil/exercise.md#step-1-a-lock-with-a-guard

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let _ = self.lock.state();
        self.lock.unlocked.notify_one();
    }
}
