//! Step 4: Rust and Python share a counter.

use std::io;

/// Adds each of `amounts` to the first word of a block that Python made, while Python adds to it too.
///
/// `name` is the `name` of Python's `multiprocessing.shared_memory.SharedMemory`. Whoever changes the word holds
/// the block's lock from before reading it to after writing it, Python as well. Release the lock after each amount,
/// so that Python gets its turn. Return what the word holds once all are added: Python may have added meanwhile.
///
/// The block is Python's: its name stays. The word never exceeds a `u64`.
///
/// # Errors
/// When there is no block of this name, it is too short for a word (even if there is nothing to add), or it can't
/// be locked.
pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    todo!(
        "attach to the block {name:?}; add the {} amounts to word 0, each under the lock",
        amounts.len()
    )
}

/// Makes a block whose first word holds `value`, runs `use_it` once while the block exists, and unlinks it.
///
/// Returns what `use_it` returned. The name is gone by then, even if `use_it` panics: a name that nobody unlinks
/// keeps its memory until the machine restarts. `use_it` may take the block's lock. Somebody else may unlink the
/// name meanwhile; that is no error.
///
/// # Errors
/// When the name is taken (the block behind it is left alone) or the block can't be made. `use_it` doesn't run then.
pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let _ = use_it;
    todo!(
        "create the block {name:?}, write {value} to word 0, run `use_it`, unlink, return what it returned"
    )
}
