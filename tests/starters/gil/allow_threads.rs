//! Step 3: give the lock up while you wait for something else.

use crate::switching::GilGuard;

impl GilGuard<'_> {
    /// Gives the lock up, runs `work`, takes the lock back, and returns what `work` returned.
    ///
    /// Other threads can hold the lock while `work` runs, and `work` itself may acquire it. When this returns,
    /// this guard holds the lock again. A panic in `work` goes on to the caller, and it too finds the lock held.
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _ = (self.gil, work);
        todo!(
            "release the lock, run `work`, take the lock back whatever happens, return what `work` returned"
        )
    }
}
