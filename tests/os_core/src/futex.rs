//! Sleeping until a word changes, and waking those who sleep: the kernel's futex, between processes (Linux).

use crate::hook::{self, Event, When};
#[cfg(feature = "model")]
use crate::model;
use crate::peer::Peer;
use crate::spaces;
use crate::word::Word;
use std::io;
use std::sync::atomic::{self, Ordering};
use std::time::Duration;

/// How long a sleeper sleeps before it looks whether its peer has died: the kernel has no call that waits for a futex and
/// for the end of a process at once. It begins with a millisecond and doubles up to this, so that an idle process looks
/// fifty times a second.
const LOOK_AFTER: Duration = Duration::from_millis(20);

impl Word {
    /// Sleeps while the word holds `value`, until somebody calls [`wake_all`](Self::wake_all) or `peer` ends.
    ///
    /// The kernel compares and goes to sleep in one step: a change that is followed by a wake-up is never missed. A word
    /// that holds something else returns at once. The call may also return for no reason, so look at the condition that
    /// you wait for again, in a loop. Only the lower 32 bits are compared once it sleeps.
    ///
    /// ```
    /// # extern crate os_core as os;
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// use os::memory::{Mapping, Ordering::SeqCst};
    /// let mapping = Mapping::shared(1)?;
    /// let door = mapping.word(0); // 0: closed
    /// let child = os::process::fork(|| {
    ///     door.store(1, SeqCst);
    ///     door.wake_all();
    ///     Ok(())
    /// })?;
    /// let peer = os::process::Peer::open(child.pid())?;
    /// while door.load(SeqCst) == 0 {
    ///     door.wait_while(0, &peer)?; // no processor time goes by
    /// }
    /// child.wait()
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// `BrokenPipe` when the peer has ended and nobody has woken this process. `Unsupported` elsewhere than on Linux.
    pub fn wait_while(&self, value: u64, peer: &Peer) -> io::Result<()> {
        self.notify_futex(true, When::Before);
        let result = self.sleep(value, peer);
        self.notify_futex(true, When::After);
        result
    }

    /// Wakes all who sleep on this word, in this process and in others. A system call, also when nobody sleeps.
    pub fn wake_all(&self) {
        self.notify_futex(false, When::Before);
        #[cfg(feature = "model")]
        if model::running() {
            model::point();
            let object = model::memory::futex_to_wake(self.atomic());
            model::record(Some(object), model::Op::Notify);
            model::wake(model::Waiting::Futex(object));
            return;
        }
        self.wake_in_kernel();
        self.notify_futex(false, When::After);
    }

    fn sleep(&self, value: u64, peer: &Peer) -> io::Result<()> {
        #[cfg(feature = "model")]
        if model::running() {
            return self.sleep_in_model(value, peer);
        }
        let mut time = Duration::from_millis(1);
        while self.atomic().load(Ordering::SeqCst) == value {
            if peer.ended()? {
                // It may have changed the word just before.
                return match self.atomic().load(Ordering::SeqCst) == value {
                    true => Err(peer.died()),
                    false => Ok(()),
                };
            }
            if self.sleep_in_kernel(value, time)? {
                return Ok(());
            }
            time = LOOK_AFTER.min(time * 2);
        }
        Ok(())
    }

    #[cfg(feature = "model")]
    fn sleep_in_model(&self, value: u64, peer: &Peer) -> io::Result<()> {
        model::point();
        let Some(object) = model::memory::futex(self.atomic(), value) else {
            return Ok(());
        };
        if peer.is_gone_in_model() {
            return Err(peer.died());
        }
        model::record(Some(object), model::Op::Wait);
        model::wait(model::Waiting::Futex(object));
        if peer.is_gone_in_model() && model::memory::futex(self.atomic(), value).is_some() {
            return Err(peer.died());
        }
        Ok(())
    }

    /// Sleeps for a while; returns whether there is a reason to go on other than that the while is over.
    #[cfg(target_os = "linux")]
    fn sleep_in_kernel(&self, value: u64, time: Duration) -> io::Result<bool> {
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: time.subsec_nanos().into(),
        };
        let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0);
        // SAFETY: the address is that of a mapped, aligned word, which `self` borrows, and of its lower half; the kernel only
        // compares four bytes there. `time` lives until the call returns.
        let result = unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.low_half(),
                libc::FUTEX_WAIT,
                low,
                &raw const time,
            )
        };
        if result == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ETIMEDOUT) => Ok(false),
            // It changed before this process slept; or a signal came, and the caller looks again.
            Some(libc::EAGAIN | libc::EINTR) => Ok(true),
            _ => Err(error),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn sleep_in_kernel(&self, _: u64, _: Duration) -> io::Result<bool> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "sleeping on a word needs Linux's futex",
        ))
    }

    #[cfg(target_os = "linux")]
    fn wake_in_kernel(&self) {
        // SAFETY: the address is that of a mapped, aligned word, which `self` borrows; the kernel uses it as a name only.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.low_half(),
                libc::FUTEX_WAKE,
                libc::c_int::MAX,
            )
        };
    }

    #[cfg(not(target_os = "linux"))]
    fn wake_in_kernel(&self) {}

    /// The half that holds the lower 32 bits: a futex has four bytes.
    #[cfg(target_os = "linux")]
    fn low_half(&self) -> *const u32 {
        let halves = self.atomic().as_ptr().cast::<u32>().cast_const();
        // Either half lies inside the word.
        halves.wrapping_add(usize::from(cfg!(target_endian = "big")))
    }

    fn notify_futex(&self, waits: bool, when: When) {
        if !hook::listening() {
            return;
        }
        let address = std::ptr::from_ref(self) as usize;
        if let Some((space, index)) = spaces::of_word(address) {
            hook::notify(&match waits {
                true => Event::FutexWait { when, space, index },
                false => Event::FutexWake { when, space, index },
            });
        }
    }
}

/// A fence, as [`std::sync::atomic::fence`], which a model run sees. It sees none of `std`'s.
///
/// # Panics
/// When the order is `Relaxed`.
#[inline]
pub fn fence(order: Ordering) {
    #[cfg(feature = "model")]
    if model::running() {
        assert!(
            order != Ordering::Relaxed,
            "there is no such thing as a relaxed fence"
        );
        return model::memory::fence(order);
    }
    atomic::fence(order);
}
