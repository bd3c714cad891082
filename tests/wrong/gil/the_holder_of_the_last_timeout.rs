//! Wrong: notes who holds the lock only when it times out, so it lets the first timeout of a new holder pass
//! Changes: switching
//! Fails: switching::a_late_timeout_requests_nothing
//! Section: gil/exercise.md#ask-after-an-interval

impl Gil {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
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
        let mut holder = tickets.serving;
        while tickets.serving != mine {
            let (guard, result) = self
                .switched
                .wait_timeout(tickets, self.interval)
                .unwrap_or_else(PoisonError::into_inner);
            tickets = guard;
            if result.timed_out() {
                if tickets.serving == holder {
                    self.requested.store(true, Ordering::Relaxed);
                }
                holder = tickets.serving;
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
