//! A lock in shared memory whose next owner learns that the last one died holding it (Linux).

use crate::hook::{Event, When, notify};
use crate::region::{Region, Sharing};
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A lock that this process shares with the children it forks, and that survives the death of its owner (Linux).
///
/// It is a *robust mutex* of POSIX: the kernel knows who holds it, and unlocks it when that thread or process dies. The next
/// owner is told, so that it can repair what the dead one left half-written.
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// let lock = os::memory::RobustLock::new()?;
/// let child = os::process::fork(|| -> std::io::Result<()> {
///     let _guard = lock.lock()?;
///     os::process::Crash::Kill.now() // dies with the lock
/// })?;
/// assert!(child.wait().is_err());
///
/// let mut guard = lock.lock()?;
/// assert!(guard.owner_died());
/// // … repair the state …
/// guard.mark_repaired()?;
/// drop(guard);
/// assert!(!lock.lock()?.owner_died());
/// # Ok(())
/// # }
/// ```
///
/// It is a lock between processes and between threads. In a model run it isn't scheduled.
#[derive(Debug)]
pub struct RobustLock {
    /// `None` once a held lock was dropped: see `drop`.
    region: Option<Region>,
    /// The process in which this value's lock is held; 0 if none. Only for this process: each has its own copy.
    holder: AtomicU32,
}

/// Holds a [`RobustLock`]; releases it when dropped.
///
/// It stays with its thread, which is what the kernel takes for the owner:
///
/// ```compile_fail,E0277
/// # extern crate os_core as os;
/// let lock = os::memory::RobustLock::new().unwrap();
/// let guard = lock.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
#[derive(Debug)]
#[must_use = "a guard that is dropped at once protects nothing"]
pub struct RobustGuard<'a> {
    lock: &'a RobustLock,
    owner_died: bool,
    process: u32,
    /// The kernel knows the owner as a thread, so a guard stays with its thread.
    not_send: PhantomData<*const ()>,
}

fn check(result: i32) -> io::Result<()> {
    match result {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

impl RobustLock {
    /// Makes a lock that nobody holds.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn new() -> io::Result<Self> {
        let region = Region::opaque(size_of::<libc::pthread_mutex_t>(), Sharing::Shared)?;
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: the attributes are initialized first, and only then used. The region has room for a mutex (checked by
        // `Region::opaque`), is aligned to a page, and nobody else has it yet.
        unsafe {
            check(libc::pthread_mutexattr_init(attributes))?;
            let made = check(libc::pthread_mutexattr_setpshared(
                attributes,
                libc::PTHREAD_PROCESS_SHARED,
            ))
            .and_then(|()| {
                check(libc::pthread_mutexattr_setrobust(
                    attributes,
                    libc::PTHREAD_MUTEX_ROBUST,
                ))
            })
            .and_then(|()| {
                check(libc::pthread_mutexattr_settype(
                    attributes,
                    libc::PTHREAD_MUTEX_ERRORCHECK,
                ))
            })
            .and_then(|()| {
                check(libc::pthread_mutex_init(
                    region.opaque_start().cast(),
                    attributes,
                ))
            });
            libc::pthread_mutexattr_destroy(attributes);
            made?;
        }
        Ok(Self {
            region: Some(region),
            holder: AtomicU32::new(0),
        })
    }

    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        let region = self.region.as_ref().expect("it is taken only by `drop`");
        region.opaque_start().cast()
    }

    /// Waits until nobody holds the lock, and takes it. [`RobustGuard::owner_died`] says whether the last owner died.
    ///
    /// # Errors
    /// `EDEADLK` when this thread holds it already. `ENOTRECOVERABLE`, from then on forever, when an owner that was told of
    /// a death released the lock without [`RobustGuard::mark_repaired`].
    pub fn lock(&self) -> io::Result<RobustGuard<'_>> {
        crate::hook::emit(&Event::RobustLock { when: When::Before })?;
        // SAFETY: `new` made the mutex, in memory that lives as long as `self`.
        let owner_died = match unsafe { libc::pthread_mutex_lock(self.mutex()) } {
            0 => false,
            libc::EOWNERDEAD => true,
            error => return Err(io::Error::from_raw_os_error(error)),
        };
        let process = std::process::id();
        self.holder.store(process, Relaxed);
        let guard = RobustGuard {
            lock: self,
            owner_died,
            process,
            not_send: PhantomData,
        };
        notify(&Event::RobustLock { when: When::After });
        Ok(guard)
    }
}

impl Drop for RobustLock {
    fn drop(&mut self) {
        // A guard was forgotten, so the mutex is on its thread's list of robust mutexes, which later locks write to: the
        // memory must stay. In a forked child the list began empty.
        if self.holder.load(Relaxed) == std::process::id() {
            std::mem::forget(self.region.take());
        }
    }
}

impl RobustGuard<'_> {
    /// Whether the last owner died holding the lock: what it protects may be half-written.
    ///
    /// It stays so until [`mark_repaired`](Self::mark_repaired).
    #[must_use]
    pub fn owner_died(&self) -> bool {
        self.owner_died
    }

    /// Declares what the lock protects to be whole again. Nothing happens if no owner died.
    ///
    /// Should this process die before, its successor is told of a death in turn.
    ///
    /// # Errors
    /// In a forked child, with its parent's guard.
    pub fn mark_repaired(&mut self) -> io::Result<()> {
        if self.owner_died {
            if self.process != std::process::id() {
                return Err(io::Error::from_raw_os_error(libc::EPERM));
            }
            // SAFETY: as for `lock`; this thread holds the mutex, since the guard neither leaves its thread nor, as just
            // checked, its process.
            check(unsafe { libc::pthread_mutex_consistent(self.lock.mutex()) })?;
            self.owner_died = false;
        }
        Ok(())
    }
}

impl Drop for RobustGuard<'_> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return; // the parent's guard, copied by a fork
        }
        notify(&Event::RobustUnlock { when: When::Before });
        self.lock.holder.store(0, Relaxed);
        // SAFETY: as for `lock`. This thread holds the mutex; if not, POSIX has an error for a robust one, and nothing happens.
        unsafe { libc::pthread_mutex_unlock(self.lock.mutex()) };
        notify(&Event::RobustUnlock { when: When::After });
    }
}
