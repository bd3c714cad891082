//! Operations that fail, as they do on a machine that has run out of something.
//!
//! A subject calls these before the learner's function. Operations are counted from there on, from 1.

use crate::account::note;
use os_core::hook::{Event, When};
use serde::{Deserialize, Serialize};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use wire::status::Account;

/// An operation that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// `os::process::fork`.
    Fork,
    /// Mapping memory: `Mapping::shared`, `Mapping::private`, `Pages::…`.
    Map,
    /// `Block::create`.
    Create,
    /// `Block::open`.
    Open,
    /// `Block::lock`.
    Lock,
    /// `Pages::usage`.
    Usage,
    /// `socket::send_with_descriptor`: it is interrupted.
    SendDescriptor,
    /// `socket::recv_with_descriptor`: it is interrupted.
    RecvDescriptor,
    /// `RobustLock::lock`.
    RobustLock,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The n-th operation of this kind fails.
    Fail(Operation, u64),
    /// The n-th operation of this kind, on a socket, fails for good: the peer has reset the connection.
    Reset(Operation, u64),
    /// The n-th child that is forked is killed by SIGKILL before its closure runs.
    KillChild(u64),
    /// As `KillChild`, and `fork` returns in its parent only when it is dead: a pipe to it is broken from the beginning.
    KillChildAtOnce(u64),
    /// Every child is killed by SIGKILL before its n-th access to mapped words, its waits and wake-ups among them.
    KillChildAtAccess(u64),
}

/// From here on these go wrong.
pub fn plan(faults: &[Fault]) {
    for fault in faults {
        note(Account::Faults);
        match *fault {
            Fault::Fail(operation, nth) => {
                FAILING[operation as usize].fetch_or(bit(nth), SeqCst);
            }
            Fault::Reset(operation, nth) => {
                RESET[operation as usize].fetch_or(bit(nth), SeqCst);
            }
            Fault::KillChild(nth) => {
                KILLED.fetch_or(bit(nth), SeqCst);
            }
            Fault::KillChildAtOnce(nth) => {
                KILLED.fetch_or(bit(nth), SeqCst);
                AWAITED.fetch_or(bit(nth), SeqCst);
            }
            Fault::KillChildAtAccess(nth) => {
                KILL_AT.store(nth, SeqCst);
                PARENT.store(std::process::id(), SeqCst);
            }
        }
    }
}

const OPERATIONS: usize = 9;

/// For each operation: how many there were, and a bit for each that is to fail.
static COUNT: [AtomicU64; OPERATIONS] = [const { AtomicU64::new(0) }; OPERATIONS];
static FAILING: [AtomicU64; OPERATIONS] = [const { AtomicU64::new(0) }; OPERATIONS];
static RESET: [AtomicU64; OPERATIONS] = [const { AtomicU64::new(0) }; OPERATIONS];
/// A bit for each child that is killed as it begins.
static KILLED: AtomicU64 = AtomicU64::new(0);
/// A bit for each of them whose parent waits for its death.
static AWAITED: AtomicU64 = AtomicU64::new(0);

/// The access before which children are killed, counted from 1; 0 for none. How many this process has made. And who plans
/// this, so that it is not killed itself.
static KILL_AT: AtomicU64 = AtomicU64::new(0);
static ACCESSES: AtomicU64 = AtomicU64::new(0);
static PARENT: AtomicU32 = AtomicU32::new(0);

/// From here on this process counts its accesses to shared memory, and its steps at a robust lock (taken; about to be
/// released; released). It is killed by SIGKILL right before the n-th access or at the n-th step, counted from 1 together.
/// The processes that it forks count on from where it was.
pub fn kill_at_access(nth: u64) {
    if nth > 0 {
        note(Account::Faults);
    }
    LEFT.store(nth, SeqCst);
}

/// As [`kill_at_access`], but there it writes a byte into `held` and waits for one from `go`, or for its end.
///
/// # Panics
/// Never: nobody panics with the lock.
pub fn hold_at_access(nth: u64, held: PipeWriter, go: PipeReader) {
    note(Account::Faults);
    *HOLD.lock().expect("nobody panics with it") = Some((held, go));
    LEFT.store(nth, SeqCst);
}

/// As [`kill_at_access`], but there it does this: what another process does to the memory at that moment.
///
/// # Panics
/// Never: nobody panics with the lock.
pub fn meddle_at_access(nth: u64, meddle: impl FnOnce() + Send + 'static) {
    *MEDDLE.lock().expect("nobody panics with it") = Some(Box::new(meddle));
    LEFT.store(nth, SeqCst);
}

/// From here on each child that is forked stands still as it begins: it writes its process id (four bytes, little-endian) into
/// `begun` and waits for a byte from `go`.
///
/// # Panics
/// Never: nobody panics with the lock.
pub fn hold_children(begun: PipeWriter, go: PipeReader) {
    note(Account::Faults);
    *HOLD_CHILDREN.lock().expect("nobody panics with it") = Some((begun, go));
}

/// Nothing fails any more, and operations are counted anew.
pub fn reset() {
    LEFT.store(0, SeqCst);
    drop(MEDDLE.lock().ok().and_then(|mut meddle| meddle.take()));
    KILLED.store(0, SeqCst);
    AWAITED.store(0, SeqCst);
    KILL_AT.store(0, SeqCst);
    ACCESSES.store(0, SeqCst);
    for index in 0..OPERATIONS {
        COUNT[index].store(0, SeqCst);
        FAILING[index].store(0, SeqCst);
        RESET[index].store(0, SeqCst);
    }
}

/// How many accesses are left, the deadly one included; 0 for any number.
static LEFT: AtomicU64 = AtomicU64::new(0);

fn kill_this_process() {
    // SAFETY: kill takes plain numbers, and the process is this one.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

/// Waits until a child has ended. It stays a zombie, for its parent to wait for.
fn wait_until_dead(pid: u32) {
    while matches!(os_core::process::has_ended(pid), Ok(false)) {
        std::thread::yield_now();
    }
}

/// Runs `body` while this process can't open any more descriptors: the kernel answers EMFILE.
pub fn without_new_descriptors<T>(body: impl FnOnce() -> T) -> T {
    with_descriptors_below(0, body)
}

/// Runs `body` while this process, and those that it forks, can't open more than so many descriptors.
pub fn with_new_descriptors<T>(count: usize, body: impl FnOnce() -> T) -> T {
    // SAFETY: it only asks about a number.
    let is_free = |number: &libc::c_int| unsafe { libc::fcntl(*number, libc::F_GETFD) } < 0;
    // The kernel takes the lowest ones.
    let limit = (0..).filter(is_free).nth(count).unwrap_or(0);
    with_descriptors_below(limit.unsigned_abs().into(), body)
}

/// Runs `body` while this process can't open any more descriptors with this number or a higher one.
fn with_descriptors_below<T>(number: libc::rlim_t, body: impl FnOnce() -> T) -> T {
    note(Account::Faults);
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is ours to read and write. Descriptors that are open stay open.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let less = libc::rlimit {
        rlim_cur: number.min(limit.rlim_cur),
        ..limit
    };
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const less) };
    let result = body();
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    result
}

/// What the deadly access does instead.
static HOLD: Mutex<Option<(PipeWriter, PipeReader)>> = Mutex::new(None);

/// What happens at that access instead.
static MEDDLE: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// What a child does as it begins.
static HOLD_CHILDREN: Mutex<Option<(PipeWriter, PipeReader)>> = Mutex::new(None);

fn count_access(event: &Event<'_>) {
    let counts = match *event {
        Event::Access { when, .. } => when == When::Before,
        Event::RobustLock { when } => when == When::After,
        Event::RobustUnlock { .. } => true,
        _ => false,
    };
    if counts && LEFT.load(SeqCst) > 0 && LEFT.fetch_sub(1, SeqCst) == 1 {
        let meddle = MEDDLE.lock().ok().and_then(|mut meddle| meddle.take());
        if let Some(meddle) = meddle {
            return meddle();
        }
        match HOLD.lock().ok().and_then(|mut hold| hold.take()) {
            None => kill_this_process(),
            Some((mut held, mut go)) => {
                let _ = held.write_all(b"!");
                let _ = go.read(&mut [0]);
            }
        }
    }
}

fn bit(nth: u64) -> u64 {
    assert!((1..=64).contains(&nth), "operations 1 to 64 can fail");
    1 << (nth - 1)
}

fn is_set(bits: u64, nth: u64) -> bool {
    nth <= 64 && bits & bit(nth) != 0
}

pub(super) fn inject(event: &Event<'_>) -> io::Result<()> {
    let when = When::Before;
    count_access(event);
    let (operation, error) = match *event {
        Event::ChildBegin { .. } => {
            if let Some((mut begun, mut go)) = HOLD_CHILDREN.lock().ok().and_then(|mut h| h.take())
            {
                let _ = begun.write_all(&std::process::id().to_le_bytes());
                let _ = go.read(&mut [0]);
            }
            // The fork of this child was counted in the memory that it inherited.
            if is_set(
                KILLED.load(SeqCst),
                COUNT[Operation::Fork as usize].load(SeqCst),
            ) {
                kill_this_process();
            }
            return Ok(());
        }
        Event::Access { when: w, .. }
        | Event::FutexWait { when: w, .. }
        | Event::FutexWake { when: w, .. } => {
            if w == when && KILL_AT.load(SeqCst) != 0 && PARENT.load(SeqCst) != std::process::id() {
                let nth = ACCESSES.fetch_add(1, SeqCst) + 1;
                if nth == KILL_AT.load(SeqCst) {
                    kill_this_process();
                }
            }
            return Ok(());
        }
        Event::Fork {
            when: When::After,
            child: Some(pid),
        } => {
            let nth = COUNT[Operation::Fork as usize].load(SeqCst);
            if is_set(AWAITED.load(SeqCst), nth) {
                wait_until_dead(pid);
            }
            return Ok(());
        }
        Event::Fork { when: w, .. } if w == when => (Operation::Fork, libc::EAGAIN),
        Event::Map { when: w, .. } if w == when => (Operation::Map, libc::ENOMEM),
        Event::BlockCreate { when: w, .. } if w == when => (Operation::Create, libc::ENOMEM),
        Event::BlockOpen { when: w, .. } if w == when => (Operation::Open, libc::EMFILE),
        Event::Lock { when: w, .. } if w == when => (Operation::Lock, libc::ENOLCK),
        Event::RobustLock { when: w } if w == when => {
            (Operation::RobustLock, libc::ENOTRECOVERABLE)
        }
        Event::Usage { when: w } if w == when => (Operation::Usage, libc::EMFILE),
        Event::SendDescriptor { when: w } if w == when => (Operation::SendDescriptor, libc::EINTR),
        Event::RecvDescriptor { when: w } if w == when => (Operation::RecvDescriptor, libc::EINTR),
        _ => return Ok(()),
    };
    let nth = COUNT[operation as usize].fetch_add(1, SeqCst) + 1;
    if is_set(RESET[operation as usize].load(SeqCst), nth) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    if is_set(FAILING[operation as usize].load(SeqCst), nth) {
        return Err(io::Error::from_raw_os_error(error));
    }
    Ok(())
}
