//! Which addresses belong to which space: a word knows only its address, the hook wants to know whose it is.

use crate::hook::Space;
use crate::region::WORD;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

struct Entry {
    addresses: Range<usize>,
    space: Space,
}

static SPACES: RwLock<Vec<Entry>> = RwLock::new(Vec::new());

/// A number that no other process of this tree gives out, as long as process ids are not reused.
pub(crate) fn new_id() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    u64::from(std::process::id()) << 32 | u64::from(NEXT.fetch_add(1, Relaxed))
}

pub(crate) fn add(addresses: Range<usize>, space: Space) {
    let mut spaces = SPACES.write().unwrap_or_else(PoisonError::into_inner);
    spaces.push(Entry { addresses, space });
}

/// Forgets the space that begins at this address. Call it before the memory is unmapped: another thread may be
/// given the same address right after.
pub(crate) fn remove(start: usize, space: Space) {
    let mut spaces = SPACES.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = spaces
        .iter()
        .position(|entry| entry.addresses.start == start && entry.space == space)
    {
        spaces.swap_remove(at);
    }
}

/// The space of the word at this address, and its number there.
pub(crate) fn of_word(address: usize) -> Option<(Space, usize)> {
    let spaces = SPACES.read().unwrap_or_else(PoisonError::into_inner);
    let entry = spaces
        .iter()
        .find(|entry| entry.addresses.contains(&address))?;
    Some((entry.space, (address - entry.addresses.start) / WORD))
}
