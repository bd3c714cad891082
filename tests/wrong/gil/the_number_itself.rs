//! Wrong: gives the number itself
//! Replaces: lock
//! Fails: lock::the_answer_is_the_next_number
//! Section: gil/exercise.md#step-1-lock

// TODO: At least six answers that compile, look right, and are wrong.

/// Returns the number after `n`.
#[must_use]
pub fn answer(n: u64) -> u64 {
    n
}
