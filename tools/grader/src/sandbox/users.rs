//! User ids that belong to nobody, for what root runs.

use std::sync::atomic::{AtomicU32, Ordering};

/// The first of the user ids that submissions run as, and how many there are. They belong to nobody: Debian and systemd
/// give out ids up to 59999 and from 61184 on.
const FIRST: u32 = 61_000;
const COUNT: u32 = 184;

/// A user id that hardly anybody else uses at the moment.
pub(super) fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
    FIRST + number % COUNT
}
