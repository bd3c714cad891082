//! Wrong: keeps the request in a static, so that one lock hears of another one's
//! Changes: switching
//! Fails: switching::two_locks_have_nothing_to_do_with_each_other
//! Section: gil/exercise.md#step-2-switching

static REQUESTED: AtomicBool = AtomicBool::new(false);

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
        while tickets.serving != mine {
            let holder = tickets.serving;
            let (guard, result) = self
                .switched
                .wait_timeout(tickets, self.interval)
                .unwrap_or_else(PoisonError::into_inner);
            tickets = guard;
            // The new holder, if there is one, has an interval of its own.
            if result.timed_out() && tickets.serving == holder {
                REQUESTED.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn release(&self) {
        let mut tickets = self.tickets();
        tickets.serving += 1; // it is the next one's, even before that one wakes
        REQUESTED.store(false, Ordering::Relaxed);
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

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        let _ = &self.gil.requested;
        if !REQUESTED.load(Ordering::Relaxed) {
            return false;
        }
        self.gil.release();
        self.gil.take(); // with a new ticket, so all who wait come first
        true
    }
}
