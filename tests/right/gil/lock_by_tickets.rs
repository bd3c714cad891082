//! Right: draws a ticket, and waits until it is served
//! Replaces: lock

use os::sync::{Condvar, Mutex};

#[derive(Debug, Default)]
pub struct Lock {
    tickets: Mutex<(u64, u64)>,
    served: Condvar,
}

impl Lock {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn acquire(&self) -> Guard<'_> {
        let mut tickets = self.tickets.lock().unwrap();
        let mine = tickets.0;
        tickets.0 += 1;
        let _served = self
            .served
            .wait_while(tickets, |now| now.1 != mine)
            .unwrap();
        Guard { lock: self }
    }
}

#[must_use]
#[derive(Debug)]
pub struct Guard<'a> {
    lock: &'a Lock,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.lock.tickets.lock().unwrap().1 += 1;
        self.lock.served.notify_all();
    }
}
