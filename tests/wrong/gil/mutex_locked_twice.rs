//! Wrong: a safe point keeps the mutex locked while it calls `release`, which locks it, too
//! Changes: switching
//! Fails: switching::only_one_thread_holds_the_lock
//! Section: gil/exercise.md#first-come-first-served

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::Relaxed) {
            return false;
        }
        let _tickets = self.gil.tickets.lock().unwrap();
        self.gil.release();
        self.gil.take();
        true
    }
}

impl Drop for GilGuard<'_> {
    fn drop(&mut self) {
        let mut tickets = self.gil.tickets.lock().unwrap();
        tickets.serving += 1;
        self.gil.requested.store(false, Ordering::Relaxed);
        self.gil.switched.notify_all();
    }
}
