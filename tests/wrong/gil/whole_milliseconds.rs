//! Wrong: keeps the account in milliseconds
//! Changes: io_first
//! Fails: io_first::threads_that_compute_keep_half_of_the_time
//! Section: gil/exercise.md#bonus-beat-cpython

impl State {
    fn hold(&mut self, holder: Holder) {
        self.holder = Some(holder);
        self.since = Instant::now();
    }
    fn goes_first(&self) -> bool {
        !self.returning.is_empty() && self.credit > 0
    }
    fn may_interrupt(&self) -> bool {
        self.goes_first() && self.holder.is_some_and(|holder| !holder.first)
    }
    fn account(&mut self, interval: Duration) -> Duration {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let held = self.since.elapsed();
        if self.holder.is_some_and(|holder| holder.first) {
            self.credit = self.credit.saturating_sub(millis(held));
        } else {
            // What was saved long ago doesn't count: nobody may hold the lock for long because of it.
            self.credit = self
                .credit
                .saturating_add(millis(held))
                .min(millis(interval).max(1));
        }
        held
    }
    fn pass_on(&mut self) {
        let first = self.goes_first() || self.computing.is_empty();
        let queue = if first {
            &mut self.returning
        } else {
            &mut self.computing
        };
        match queue.pop_front() {
            Some(waiter) => self.hold(Holder { waiter, first }),
            None => self.holder = None,
        }
    }
}
