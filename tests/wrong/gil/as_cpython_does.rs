//! Wrong: forces the hand-off as CPython does, and lets any of the waiters have the lock
//! Changes: switching
//! Fails: switching::the_thread_that_waits_longest_is_next
//! Section: gil/exercise.md#first-come-first-served

pub struct Gil {
    interval: Duration,
    tickets: Mutex<Tickets>,
    switched: Condvar,
    taken: Condvar,
    requested: AtomicBool,
}

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
            taken: Condvar::new(),
            requested: AtomicBool::new(false),
        }
    }

    pub fn acquire(&self) -> GilGuard<'_> {
        self.take();
        GilGuard { gil: self }
    }

    pub(crate) fn take(&self) {
        let mut tickets = self.tickets();
        while tickets.next != tickets.serving {
            let holder = tickets.serving;
            let (guard, result) = self
                .switched
                .wait_timeout(tickets, self.interval)
                .unwrap_or_else(PoisonError::into_inner);
            tickets = guard;
            if result.timed_out() && tickets.serving == holder {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
        tickets.next += 1;
        self.taken.notify_all();
    }

    pub(crate) fn release(&self) {
        let mut tickets = self.tickets();
        tickets.serving += 1;
        self.requested.store(false, Ordering::Relaxed);
        drop(tickets);
        self.switched.notify_one();
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GilGuard<'_> {
    pub fn safe_point(&mut self) -> bool {
        if !self.gil.requested.load(Ordering::Relaxed) {
            return false;
        }
        let mut tickets = self.gil.tickets();
        tickets.serving += 1;
        let served = tickets.serving;
        self.gil.requested.store(false, Ordering::Relaxed);
        self.gil.switched.notify_one();
        while tickets.next == served && tickets.serving == served {
            tickets = self
                .gil
                .taken
                .wait(tickets)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(tickets);
        self.gil.take();
        true
    }
}
