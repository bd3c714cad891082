//! Step 3: give the lock up while you wait for something else.

use crate::switching::{Gil, GilGuard};

impl GilGuard<'_> {
    /// Gives the lock up, runs `work`, takes the lock back, and returns what `work` returned.
    ///
    /// Other threads can hold the lock while `work` runs, and `work` itself may acquire it. When this returns,
    /// this guard holds the lock again. A panic in `work` goes on to the caller, and it too finds the lock held.
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let _back = TakeBack(self.gil);
        work()
    }
}

/// Takes the lock when dropped: at a return as in a panic.
struct TakeBack<'a>(&'a Gil);

impl Drop for TakeBack<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}
