//! Wrong: lets only the first in line sleep for an interval; the others look fifty times in one
//! Changes: switching
//! Fails: switching::a_waiting_thread_sleeps
//! Section: gil/exercise.md#ask-after-an-interval

impl Gil {
    /// Makes a lock that nobody holds, with this switch interval.
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

    /// Waits for the lock and returns its guard.
    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    /// Waits for the lock and takes it: CPython's `take_gil`.
    ///
    /// The thread that has waited longest gets the lock first. A waiting thread sleeps. When it has waited for
    /// one interval, and the lock stayed with the same holder meanwhile, it requests the lock.
    pub(crate) fn take(&self) {
        let mut tickets = self.tickets();
        let mine = tickets.next;
        tickets.next += 1;
        while tickets.serving != mine {
            let holder = tickets.serving;
            let first = tickets.serving + 1 == mine;
            let time = if first {
                self.interval
            } else {
                self.interval / 50
            };
            let (guard, result) = self
                .switched
                .wait_timeout(tickets, time)
                .unwrap_or_else(PoisonError::into_inner);
            tickets = guard;
            if first && result.timed_out() && tickets.serving == holder {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Gives the lock up: CPython's `drop_gil`.
    ///
    /// The thread that has waited longest, if there is one, is woken and holds the lock from now on. It starts with
    /// no request: the old one was meant for the holder before it.
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
