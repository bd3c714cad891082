//! What the experiments mean by *shared memory*: a slot for one message, and a mutex that tells when its owner died.
//!
//! Safe Rust has no `memcpy` for memory that another process may write, so `os` copies word by word. These experiments
//! compare the speed of channels, and so copy as C would.

use rustix::thread::futex;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Memory that this process shares with the children it forks. Zeroed.
struct Pages {
    start: NonNull<u8>,
    len: usize,
}

impl Pages {
    fn map(len: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping, at an address that the kernel chooses, touches no memory in use.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: `start` and `len` are those of a mapping that this value alone owns.
        unsafe {
            libc::munmap(self.start.as_ptr().cast(), self.len);
        }
    }
}

/// How a side waits for the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// On a futex: the kernel lets the process sleep, and somebody has to wake it.
    Asleep,
    /// In a loop that looks again and again.
    Spinning,
}

const EMPTY: u32 = 0;
const BUSY: u32 = 1;
const FULL: u32 = 2;

/// What both sides look at, at the beginning of the pages.
#[repr(C, align(64))]
struct Head {
    state: AtomicU32,
    sleepers: AtomicU32,
}

/// Room for one message between two processes.
pub struct Slot {
    pages: Pages,
    room: usize,
}

// SAFETY: the head is atomics, and the body is touched only by whoever made the slot BUSY.
unsafe impl Sync for Slot {}

impl Slot {
    /// Maps a slot for messages of up to `room` bytes.
    ///
    /// # Errors
    /// The kernel's, when it has no memory.
    pub fn new(room: usize) -> io::Result<Self> {
        let pages = Pages::map(size_of::<Head>() + room)?;
        Ok(Self { pages, room })
    }

    fn head(&self) -> &Head {
        // SAFETY: a page is aligned more strictly than `Head`, long enough for it, and zero is a valid value of its atomics.
        // All access to these bytes is through them.
        unsafe { self.pages.start.cast().as_ref() }
    }

    fn body(&self) -> *mut u8 {
        // SAFETY: the body begins behind the head, inside the mapping.
        unsafe { self.pages.start.as_ptr().add(size_of::<Head>()) }
    }

    /// Waits until the slot is empty, and puts a message into it.
    ///
    /// # Errors
    /// A message for which there is no room.
    pub fn send(&self, message: &[u8], wait: Wait) -> io::Result<()> {
        self.check(message.len())?;
        self.claim(EMPTY, wait);
        // SAFETY: `claim` made the slot BUSY, so until `release` nobody else, in any process, touches the body. It has
        // room for the message, and the message is not in it: no reference to the body leaves this module.
        unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), self.body(), message.len()) };
        self.release(FULL);
        Ok(())
    }

    /// Waits until the slot is full, and takes the message out of it.
    ///
    /// # Errors
    /// A buffer that is larger than the slot.
    pub fn recv(&self, message: &mut [u8], wait: Wait) -> io::Result<()> {
        self.check(message.len())?;
        self.claim(FULL, wait);
        // SAFETY: as in `send`, with the roles exchanged. Any bytes are a valid message.
        unsafe { std::ptr::copy_nonoverlapping(self.body(), message.as_mut_ptr(), message.len()) };
        self.release(EMPTY);
        Ok(())
    }

    fn check(&self, len: usize) -> io::Result<()> {
        if len > self.room {
            return Err(io::Error::other("the message is larger than the slot"));
        }
        Ok(())
    }

    /// Waits until the state is `from`, and makes it BUSY: whoever does that has the slot to itself.
    fn claim(&self, from: u32, wait: Wait) {
        let Head { state, sleepers } = self.head();
        while let Err(seen) =
            state.compare_exchange_weak(from, BUSY, Ordering::Acquire, Ordering::Relaxed)
        {
            if seen == from {
                continue; // failed spuriously
            }
            match wait {
                Wait::Spinning => std::hint::spin_loop(),
                Wait::Asleep => {
                    // Counted before the kernel compares the state, so that `release` either sees the sleeper or has changed
                    // the state already.
                    sleepers.fetch_add(1, Ordering::SeqCst);
                    let _ = futex::wait(state, futex::Flags::empty(), seen, None);
                    sleepers.fetch_sub(1, Ordering::SeqCst);
                }
            }
        }
    }

    fn release(&self, to: u32) {
        let Head { state, sleepers } = self.head();
        state.store(to, Ordering::SeqCst);
        if sleepers.load(Ordering::SeqCst) > 0 {
            let _ = futex::wake(state, futex::Flags::empty(), i32::MAX as u32);
        }
    }
}

/// A POSIX mutex in shared memory that tells the next owner when the last one died: a *robust* one.
pub struct RobustMutex(Pages);

// SAFETY: any thread of any process that maps a process-shared mutex may use it, and nothing else is reachable.
unsafe impl Sync for RobustMutex {}

impl RobustMutex {
    /// Maps a mutex that nobody holds.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> io::Result<Self> {
        let mutex = Self(Pages::map(size_of::<libc::pthread_mutex_t>())?);
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: `attributes` outlives these calls, and the first of them initializes it. The mapping is aligned for a mutex
        // and long enough for one, and nobody uses it yet.
        unsafe {
            ok(libc::pthread_mutexattr_init(attributes))?;
            ok(libc::pthread_mutexattr_setpshared(
                attributes,
                libc::PTHREAD_PROCESS_SHARED,
            ))?;
            ok(libc::pthread_mutexattr_setrobust(
                attributes,
                libc::PTHREAD_MUTEX_ROBUST,
            ))?;
            ok(libc::pthread_mutex_init(mutex.raw(), attributes))?;
            ok(libc::pthread_mutexattr_destroy(attributes))?;
        }
        Ok(mutex)
    }

    fn raw(&self) -> *mut libc::pthread_mutex_t {
        self.0.start.as_ptr().cast()
    }

    /// Takes the mutex, for good: these experiments never give one back. Returns whether the last owner died with it.
    ///
    /// # Errors
    /// The system's.
    pub fn lock(&self) -> io::Result<bool> {
        // SAFETY: `new` initialized the mutex, and the mapping lives as long as `self`.
        match unsafe { libc::pthread_mutex_lock(self.raw()) } {
            libc::EOWNERDEAD => Ok(true),
            code => ok(code).map(|()| false),
        }
    }
}

fn ok(code: i32) -> io::Result<()> {
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    // Threads stand in for processes here: a test's process has several, and so cannot fork. The experiments I2 and I3
    // use both types between processes.

    #[test]
    fn a_slot_carries_messages_whole_and_in_order_in_both_ways_of_waiting() {
        for wait in [Wait::Asleep, Wait::Spinning] {
            let slot = &Slot::new(3000).unwrap();
            thread::scope(|scope| {
                scope.spawn(move || {
                    for number in 0..200_u8 {
                        slot.send(&[number; 3000], wait).unwrap();
                    }
                });
                let mut message = [0; 3000];
                for number in 0..200_u8 {
                    slot.recv(&mut message, wait).unwrap();
                    assert!(message.iter().all(|byte| *byte == number), "{wait:?}");
                }
            });
        }
    }

    #[test]
    fn a_message_that_has_no_room_is_refused_and_the_slot_goes_on() {
        let slot = Slot::new(8).unwrap();
        assert!(slot.send(&[0; 9], Wait::Asleep).is_err());
        assert!(slot.recv(&mut [0; 9], Wait::Asleep).is_err());
        slot.send(b"8 bytes!", Wait::Asleep).unwrap();
        let mut message = [0; 8];
        slot.recv(&mut message, Wait::Asleep).unwrap();
        assert_eq!(&message, b"8 bytes!");
    }

    #[test]
    fn a_robust_mutex_tells_that_its_owner_died() {
        let mutex = &RobustMutex::new().unwrap();
        let first = thread::scope(|scope| scope.spawn(move || mutex.lock().unwrap()).join());
        assert!(!first.unwrap(), "nobody had it before");
        assert!(mutex.lock().unwrap(), "the thread that ended had it");
    }
}
