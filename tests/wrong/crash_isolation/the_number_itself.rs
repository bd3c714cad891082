//! Wrong: gives the number itself
//! Replaces: outcome
//! Fails: outcome::the_answer_is_the_next_number
//! Section: crash_isolation/exercise.md#step-1-outcome

// TODO: At least six answers that compile, look right, and are wrong.

/// Returns the number after `n`.
#[must_use]
pub fn answer(n: u64) -> u64 {
    n
}
