//! Wrong: lets a thread that comes back go first without any limit
//! Changes: io_first
//! Fails: io_first::threads_that_compute_keep_half_of_the_time
//! Section: gil/exercise.md#bonus-beat-cpython

impl State {
    fn hold(&mut self, holder: Holder) {
        self.holder = Some(holder);
        self.since = Instant::now();
    }

    fn goes_first(&self) -> bool {
        !self.returning.is_empty()
    }

    fn may_interrupt(&self) -> bool {
        self.goes_first() && self.holder.is_some_and(|holder| !holder.first)
    }

    fn account(&mut self, interval: Duration) -> Duration {
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let held = self.since.elapsed();
        if self.holder.is_some_and(|holder| holder.first) {
            self.credit = self.credit.saturating_sub(nanos(held));
        } else {
            self.credit = self
                .credit
                .saturating_add(nanos(held))
                .min(nanos(interval).max(1));
        }
        held
    }

    fn pass_on(&mut self) {
        let first = self.goes_first() || self.computing.is_empty();
        let queue = match first {
            true => &mut self.returning,
            false => &mut self.computing,
        };
        match queue.pop_front() {
            Some(waiter) => self.hold(Holder { waiter, first }),
            None => self.holder = None,
        }
    }
}
