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

/// Interrupts the first thread of the process. Handled without `SA_RESTART`, the signal makes a call that waits fail with EINTR.
#[derive(Clone, Copy, Debug)]
pub struct Interrupts(());

impl Interrupts {
    /// Has this process handle the signal.
    #[must_use]
    pub fn of_the_first_thread() -> Self {
        note(Account::Faults);
        // SAFETY: zeroed, a `sigaction` is valid and has no flags. The handler only adds to an atomic.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = arrived as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
        }
        Self(())
    }

    /// Waits until the thread waits for something, and interrupts that; so often, one after the other.
    pub fn send(self, times: u32) {
        for _ in 0..times {
            outside::wait_until_asleep(std::process::id());
            let before = ARRIVED.load(SeqCst);
            signal_the_first_thread();
            // The next one would be merged into it.
            let begun = Instant::now();
            while ARRIVED.load(SeqCst) == before && begun.elapsed() < Duration::from_secs(1) {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn signal_the_first_thread() {
    // The id of a process is that of its first thread.
    let id = libc::c_long::from(std::process::id());
    // SAFETY: it takes numbers only.
    unsafe { libc::syscall(libc::SYS_tgkill, id, id, libc::SIGUSR1) };
}

/// Whichever thread takes it.
#[cfg(not(target_os = "linux"))]
fn signal_the_first_thread() {
    // SAFETY: it takes numbers only.
    unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) };
}
