//! Wrong: remembers the holder once, and not before each wait, so it never requests the lock from the next one
//! Changes: switching
//! Fails: switching::the_thread_that_waits_longest_is_next
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
        let mut tickets = self.tickets.lock().unwrap();
        let mine = tickets.next;
        tickets.next += 1;
        let holder = tickets.serving;
        while tickets.serving != mine {
            let (guard, result) = self.switched.wait_timeout(tickets, self.interval).unwrap();
            tickets = guard;
            if result.timed_out() && tickets.serving == holder {
                self.requested.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn release(&self) {
        let mut tickets = self.tickets.lock().unwrap();
        tickets.serving += 1;
        self.requested.store(false, Ordering::Relaxed);
        self.switched.notify_all();
    }
}
