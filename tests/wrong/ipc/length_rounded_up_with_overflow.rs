//! Wrong: rounds the length up by adding 7
//! Changes: ring
//! Fails: ring::a_length_that_makes_no_sense_is_an_error
//! Section: ipc/exercise.md#trust-nothing-in-shared-memory

fn words_for(bytes: u64) -> Option<u64> {
    ((bytes + 7) / 8).checked_add(1)
}
