//! Signals that interrupt what a thread waits for in the kernel, as those of a timer, a terminal or a child do.

use super::outside;
use crate::account::note;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};
use wire::status::Account;

/// How many have arrived.
static ARRIVED: AtomicU32 = AtomicU32::new(0);

extern "C" fn arrived(_: libc::c_int) {
    ARRIVED.fetch_add(1, SeqCst);
}

/// Interrupts the thread that made it. Handled without `SA_RESTART`, the signal makes a call that waits fail with EINTR.
#[derive(Clone, Copy, Debug)]
pub struct Interrupts {
    thread: libc::pthread_t,
}

impl Interrupts {
    /// For the first thread of this process, which has to live as long as signals are sent to it.
    #[must_use]
    pub fn of_this_thread() -> Self {
        note(Account::Faults);
        // SAFETY: zeroed, a `sigaction` is valid and has no flags. The handler only adds to an atomic.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = arrived as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
            Self {
                thread: libc::pthread_self(),
            }
        }
    }

    /// Waits until the thread waits for something, and interrupts that; so often, one after the other.
    pub fn send(self, times: u32) {
        for _ in 0..times {
            outside::wait_until_asleep(std::process::id());
            let before = ARRIVED.load(SeqCst);
            // SAFETY: the thread lives: see `of_this_thread`.
            unsafe { libc::pthread_kill(self.thread, libc::SIGUSR1) };
            // The next one would be merged into it.
            let begun = Instant::now();
            while ARRIVED.load(SeqCst) == before && begun.elapsed() < Duration::from_secs(1) {
                std::thread::yield_now();
            }
        }
    }
}
