//! Wrong: waits for a millisecond where the interval is shorter
//! Changes: switching
//! Fails: switching::the_lock_changes_hands_at_the_next_safe_point
//! Section: gil/exercise.md#hand-it-over

impl Gil {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval: interval.max(Duration::from_millis(1)),
            tickets: Mutex::new(Tickets {
                next: 0,
                serving: 0,
            }),
            switched: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    pub(crate) fn take(&self) {
        let mut tickets = self.tickets();
        let mine = tickets.next;
        tickets.next += 1;
        while tickets.serving != mine {
            let holder = tickets.serving;
            let (guard, result) = self
                .switched
                .wait_timeout(tickets, self.interval)
                .unwrap_or_else(PoisonError::into_inner);
            tickets = guard;
            // The new holder, if there is one, has an interval of its own.
            if result.timed_out() && tickets.serving == holder {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn release(&self) {
        let mut tickets = self.tickets();
        tickets.serving += 1; // it is the next one's, even before that one wakes
        self.requested.store(false, Ordering::Relaxed);
        let somebody_waits = tickets.next > tickets.serving;
        drop(tickets);
        if somebody_waits {
            self.switched.notify_all(); // only one has the ticket, and nobody knows which thread that is
        }
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
