//! The judge's window: events around every operation, and a way to make one fail.
//!
//! This crate keeps no counters and delays nobody. Whoever judges a program installs one function, which is
//! called before and after every operation on shared memory, on locks of blocks and on processes. It may
//! count, wait, or refuse: an `Err` from a `Before` event of an operation that can fail makes it fail so.

use std::cell::Cell;
use std::io;
use std::sync::OnceLock;

/// Whether the operation is about to happen or has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is about to happen.
    Before,
    /// It has happened, successfully.
    After,
}

/// Memory that more than one process or thread may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// A [`Mapping`](crate::memory::Mapping).
    Mapping {
        /// The creator's process id in the upper half, a counter in the lower: unique in a tree of processes.
        id: u64,
        /// Whether children see writes.
        shared: bool,
    },
    /// A [`Block`](crate::memory::Block), the same through whichever handle.
    Block {
        /// The device of its file.
        device: u64,
        /// The inode of its file.
        inode: u64,
    },
    /// [`Pages`](crate::memory::Pages).
    Pages {
        /// As for a mapping.
        id: u64,
        /// Whether children see writes.
        shared: bool,
    },
}

/// How memory is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read.
    Load,
    /// Only written.
    Store,
    /// Read and, possibly, written in one atomic step.
    Update,
}

/// One operation, before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An access to a word or page. A copy of bytes is one access, at its first word.
    Access {
        /// Before or after.
        when: When,
        /// Which memory.
        space: Space,
        /// Which word or page of it.
        index: usize,
        /// How.
        access: Access,
        /// After: whether a value was written.
        wrote: bool,
        /// After: the value that was there before, where the access read it.
        seen: Option<u64>,
        /// After: the value that the access wrote.
        now: Option<u64>,
    },
    /// Acquires the lock of a block: fallible. After: it is held.
    Lock {
        /// Before or after.
        when: When,
        /// The block.
        space: Space,
    },
    /// Releases the lock of a block.
    Unlock {
        /// Before or after.
        when: When,
        /// The block.
        space: Space,
    },
    /// Acquires a `RobustLock`: fallible. After: it is held.
    RobustLock {
        /// Before or after.
        when: When,
    },
    /// Releases a `RobustLock`.
    RobustUnlock {
        /// Before or after.
        when: When,
    },
    /// Maps memory for a `Mapping` or for `Pages`: fallible.
    Map {
        /// Before or after.
        when: When,
        /// The new memory; its id is known before it exists.
        space: Space,
        /// Words of a mapping, pages of pages.
        len: usize,
    },
    /// Unmaps memory of any kind. The space may still exist through other handles.
    Unmap {
        /// Always before: afterwards there is nothing to look at.
        when: When,
        /// Which memory.
        space: Space,
    },
    /// Creates a block: fallible.
    BlockCreate {
        /// Before or after.
        when: When,
        /// Its name, as Python spells it.
        name: &'a str,
    },
    /// Opens a block: fallible.
    BlockOpen {
        /// Before or after.
        when: When,
        /// Its name, as Python spells it.
        name: &'a str,
    },
    /// Removes the name of a block: fallible.
    BlockUnlink {
        /// Before or after.
        when: When,
        /// Its name, as Python spells it.
        name: &'a str,
    },
    /// Forks a process: fallible. After: in the parent.
    Fork {
        /// Before or after.
        when: When,
        /// After: the child's process id.
        child: Option<u32>,
    },
    /// In a forked child, before its closure.
    ChildBegin {
        /// It is the child that its parent tried to fork as the n-th, counted from 1.
        number: u64,
    },
    /// In a forked child, after its closure and before its result is sent.
    ChildEnd,
    /// Waits for a child to end. After: it was reaped.
    Wait {
        /// Before or after.
        when: When,
        /// Its process id.
        child: u32,
    },
    /// Counts how a process holds its pages: fallible.
    Usage {
        /// Before or after.
        when: When,
    },
    /// Waits on a word until somebody wakes it. After: it goes on, for whatever reason.
    FutexWait {
        /// Before or after.
        when: When,
        /// Which memory.
        space: Space,
        /// Which word of it.
        index: usize,
    },
    /// Wakes those who wait on a word.
    FutexWake {
        /// Before or after.
        when: When,
        /// Which memory.
        space: Space,
        /// Which word of it.
        index: usize,
    },
    /// Asks whether a [`Peer`](crate::process::Peer) has ended. What a wait on a word asks for itself is no such event.
    PeerAsked,
    /// Sends bytes with a descriptor over a socket: fallible.
    SendDescriptor {
        /// Before or after.
        when: When,
    },
    /// Receives bytes, and perhaps a descriptor, from a socket: fallible.
    RecvDescriptor {
        /// Before or after.
        when: When,
    },
    /// Starts a thread, in a plain or a model run.
    ThreadSpawn {
        /// Before or after.
        when: When,
    },
    /// Joins a thread. The end of a scope joins too, without an event.
    ThreadJoin {
        /// Before or after.
        when: When,
    },
}

/// Called around every operation, in the thread that does it. What the hook itself does with this crate
/// raises no events.
pub type Hook = fn(&Event<'_>) -> io::Result<()>;

static HOOK: OnceLock<Hook> = OnceLock::new();

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Installs the hook of this process and of all that it forks. The first one stays.
pub fn install(hook: Hook) {
    let _ = HOOK.set(hook);
}

/// Whether a hook is installed.
#[inline]
pub(crate) fn listening() -> bool {
    HOOK.get().is_some()
}

/// Reports an event. The result matters only before operations that can fail.
pub(crate) fn emit(event: &Event<'_>) -> io::Result<()> {
    match HOOK.get() {
        Some(hook) => call(*hook, event),
        None => Ok(()),
    }
}

/// Reports an event of an operation that cannot fail.
pub(crate) fn notify(event: &Event<'_>) {
    let _ = emit(event);
}

#[cold]
fn call(hook: Hook, event: &Event<'_>) -> io::Result<()> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(false);
        }
    }
    if INSIDE.replace(true) {
        return Ok(()); // the hook's own doing
    }
    let _leave = Leave;
    hook(event)
}

/// Runs a fallible operation between its two events; `event` makes them.
pub(crate) fn around<T>(
    event: impl Fn(When) -> Event<'static>,
    operation: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    emit(&event(When::Before))?;
    let value = operation()?;
    notify(&event(When::After));
    Ok(value)
}
