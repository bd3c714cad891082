//! Wrong: serves the next ticket and wakes nobody: the waiter finds out at its timeout
//! Changes: switching
//! Fails: switching::a_given_up_lock_is_taken_at_once
//! Section: gil/exercise.md#first-come-first-served

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
            std::hint::spin_loop();
        }
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
