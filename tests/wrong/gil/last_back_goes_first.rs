//! Wrong: lets the one of those that came back go first that came last
//! Changes: io_first
//! Fails: io_first::those_that_come_back_go_first_in_their_order
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
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let held = self.since.elapsed();
        if self.holder.is_some_and(|holder| holder.first) {
            self.credit = self.credit.saturating_sub(nanos(held));
        } else {
            // What was saved long ago doesn't count: nobody may hold the lock for long because of it.
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
        match if first {
            queue.pop_back()
        } else {
            queue.pop_front()
        } {
            Some(waiter) => self.hold(Holder { waiter, first }),
            None => self.holder = None,
        }
    }
}
