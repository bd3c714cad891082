//! Wrong: takes one word too many for a message of whole words
//! Changes: ring
//! Fails: ring::the_memory_is_as_described
//! Section: ipc/exercise.md#the-layout

fn words_for(bytes: u64) -> Option<u64> {
    (bytes / 8 + 1).checked_add(1)
}
