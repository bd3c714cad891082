//! Wrong: wakes a waiter first and releases then: it looks, finds the lock taken and sleeps on
//! Changes: lock
//! Fails: lock::a_released_lock_wakes_a_waiter
//! Section: gil/exercise.md#wake-whoever-waits

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.lock.unlocked.notify_one();
        *self.lock.state() = false;
    }
}
