//! Operations that fail, as they do on a machine that has run out of something.
//!
//! A subject calls these before the learner's function. Operations are counted from there on, from 1.

use os_core::hook::{Event, When};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

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
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The n-th operation of this kind fails.
    Fail(Operation, u64),
    /// The n-th child that is forked is killed by SIGKILL before its closure runs.
    KillChild(u64),
    /// Every child is killed by SIGKILL before its n-th access to mapped words, its waits and wake-ups among them.
    KillChildAtAccess(u64),
}

/// From here on these go wrong.
pub fn plan(faults: &[Fault]) {
    for fault in faults {
        match *fault {
            Fault::Fail(operation, nth) => {
                FAILING[operation as usize].fetch_or(bit(nth), SeqCst);
            }
            Fault::KillChild(nth) => {
                KILLED.fetch_or(bit(nth), SeqCst);
            }
            Fault::KillChildAtAccess(nth) => {
                KILL_AT.store(nth, SeqCst);
                PARENT.store(std::process::id(), SeqCst);
            }
        }
    }
}

const OPERATIONS: usize = 8;

/// For each operation: how many there were, and a bit for each that is to fail.
static COUNT: [AtomicU64; OPERATIONS] = [const { AtomicU64::new(0) }; OPERATIONS];
static FAILING: [AtomicU64; OPERATIONS] = [const { AtomicU64::new(0) }; OPERATIONS];
/// A bit for each child that is killed as it begins.
static KILLED: AtomicU64 = AtomicU64::new(0);

/// The access before which children are killed, counted from 1; 0 for none. How many this process has made. And who plans
/// this, so that it is not killed itself.
static KILL_AT: AtomicU64 = AtomicU64::new(0);
static ACCESSES: AtomicU64 = AtomicU64::new(0);
static PARENT: AtomicU32 = AtomicU32::new(0);

/// Nothing fails any more, and operations are counted anew.
pub fn reset() {
    KILLED.store(0, SeqCst);
    KILL_AT.store(0, SeqCst);
    ACCESSES.store(0, SeqCst);
    for index in 0..OPERATIONS {
        COUNT[index].store(0, SeqCst);
        FAILING[index].store(0, SeqCst);
    }
}

fn bit(nth: u64) -> u64 {
    assert!((1..=64).contains(&nth), "operations 1 to 64 can fail");
    1 << (nth - 1)
}

fn is_set(bits: u64, nth: u64) -> bool {
    nth <= 64 && bits & bit(nth) != 0
}

fn die() {
    // SAFETY: kill takes plain numbers, and the process is this one.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

pub(super) fn inject(event: &Event<'_>) -> io::Result<()> {
    let when = When::Before;
    let (operation, error) = match *event {
        Event::ChildBegin { .. } => {
            // The fork of this child was counted in the memory that it inherited.
            if is_set(
                KILLED.load(SeqCst),
                COUNT[Operation::Fork as usize].load(SeqCst),
            ) {
                die();
            }
            return Ok(());
        }
        Event::Access { when: w, .. }
        | Event::FutexWait { when: w, .. }
        | Event::FutexWake { when: w, .. } => {
            if w == when && KILL_AT.load(SeqCst) != 0 && PARENT.load(SeqCst) != std::process::id() {
                let nth = ACCESSES.fetch_add(1, SeqCst) + 1;
                if nth == KILL_AT.load(SeqCst) {
                    die();
                }
            }
            return Ok(());
        }
        Event::Fork { when: w, .. } if w == when => (Operation::Fork, libc::EAGAIN),
        Event::Map { when: w, .. } if w == when => (Operation::Map, libc::ENOMEM),
        Event::BlockCreate { when: w, .. } if w == when => (Operation::Create, libc::ENOMEM),
        Event::BlockOpen { when: w, .. } if w == when => (Operation::Open, libc::EMFILE),
        Event::Lock { when: w, .. } if w == when => (Operation::Lock, libc::ENOLCK),
        Event::Usage { when: w } if w == when => (Operation::Usage, libc::EMFILE),
        Event::SendDescriptor { when: w } if w == when => (Operation::SendDescriptor, libc::EINTR),
        Event::RecvDescriptor { when: w } if w == when => (Operation::RecvDescriptor, libc::EINTR),
        _ => return Ok(()),
    };
    let nth = COUNT[operation as usize].fetch_add(1, SeqCst) + 1;
    if is_set(FAILING[operation as usize].load(SeqCst), nth) {
        return Err(io::Error::from_raw_os_error(error));
    }
    Ok(())
}
