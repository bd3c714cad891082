//! Memory that a subject shares with all the processes it forks: what was observed, and whose turn it is.

use std::io;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// Processes that can be told apart: the subject and what it forks.
pub(super) const PROCESSES: usize = 128;
/// Observations that are kept; later ones are counted only.
pub(super) const RECORDS: usize = 1 << 14;
/// Words of one observation.
pub(super) const WORDS: usize = 8;

/// One process of the subject's tree.
#[repr(C)]
pub(super) struct Slot {
    /// Its id; 0 for a slot that is free.
    pub pid: AtomicU32,
    /// Where it is: see `processes`.
    pub state: AtomicU32,
    /// Whether its parent waits for it.
    pub awaited: AtomicU32,
    /// How many gates it has passed.
    pub passed: AtomicU32,
    /// Whether its last access read.
    pub just_read: AtomicU32,
    /// How often it was passed over after a read.
    pub preempted: AtomicU32,
}

#[repr(C)]
pub(super) struct Shared {
    pub slots: [Slot; PROCESSES],
    // Whose turn it is: see `processes`.
    pub policy: AtomicU32,
    pub turn: AtomicU32,
    pub last: AtomicU32,
    pub steps: AtomicU32,
    pub waiting: AtomicU32,
    pub open: AtomicU32,
    pub root_accesses: AtomicU64,
    pub seed: AtomicU64,
    // What was observed: see `ledger`.
    pub recording: AtomicU32,
    /// What the subject's own word is needed for, a bit for each: see `account`.
    pub accounts: AtomicU32,
    pub recorded: AtomicU64,
    pub records: [[AtomicU64; WORDS]; RECORDS],
}

static SHARED: OnceLock<&'static Shared> = OnceLock::new();

/// Maps the memory; to be called before anything is forked.
pub(super) fn prepare() -> io::Result<()> {
    // SAFETY: a new anonymous mapping at an address of the kernel's choice overlaps nothing of ours.
    let start = unsafe {
        libc::mmap(
            null_mut(),
            size_of::<Shared>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANON,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is as long as a `Shared`, aligned to a page and zeroed, and zero is a valid value of every atomic.
    // It is never unmapped. All access is atomic, in every process.
    let shared: &'static Shared = unsafe { &*start.cast() };
    shared.slots[0].pid.store(std::process::id(), SeqCst);
    let _ = SHARED.set(shared);
    Ok(())
}

/// The memory, in a subject and in what it forks.
pub(super) fn get() -> Option<&'static Shared> {
    SHARED.get().copied()
}

impl Shared {
    /// The slot of a process: 0 is the subject itself. `None` when there are more processes than slots.
    pub fn slot(&self, pid: u32) -> Option<usize> {
        self.slots.iter().position(|slot| {
            slot.pid.load(SeqCst) == pid
                || slot.pid.compare_exchange(0, pid, SeqCst, SeqCst) == Err(pid)
                || slot.pid.load(SeqCst) == pid
        })
    }

    /// The caller's own slot.
    pub fn own_slot(&self) -> Option<usize> {
        self.slot(std::process::id())
    }
}
