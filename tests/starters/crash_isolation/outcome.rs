//! Step 1: outcome.

/// Returns the number after `n`.
#[must_use]
pub fn answer(_n: u64) -> u64 {
    todo!("return the number after `n`") // TODO: what the step really asks; say what to do, not that something is missing
}
