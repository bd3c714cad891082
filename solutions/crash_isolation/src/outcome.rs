//! Step 1: outcome.

/// Returns the number after `n`.
#[must_use]
pub fn answer(n: u64) -> u64 {
    n + 1 // TODO: the reference answer, with comments that say why
}
