//! Wrong: releases the lock and wakes nobody
//! Changes: lock
//! Fails: lock::a_released_lock_wakes_a_waiter
//! Section: gil/exercise.md#wake-whoever-waits

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        *self.lock.state() = false; // first the state, then the notification: whoever wakes looks at the state
    }
}
