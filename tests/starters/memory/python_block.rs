//! Step 4: Rust and Python share a counter.

use std::io;

/// Adds each of `amounts` to the first word of a block that Python made, while Python adds to it too.
///
/// `name` is the `name` of Python's `multiprocessing.shared_memory.SharedMemory`. Who changes the word
/// holds the block's lock, Python as well, from before it reads to after it writes. Let Python have it
/// between two amounts. Returns what the word holds when all are added; Python may have added meanwhile.
///
/// The block is Python's: its name stays.
///
/// # Errors
/// When there is no block of this name, it is too short for a word, or it cannot be locked.
pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    todo!(
        "attach to the block {name:?}; add the {} amounts to word 0, each under the lock",
        amounts.len()
    )
}

/// Makes a block whose first word holds `value`, runs `use_it` while it exists, and takes its name away.
///
/// The name is gone when this returns, also when `use_it` panics: a name that nobody unlinks keeps its
/// memory until the machine restarts. Somebody else may have unlinked it meanwhile; that is no error.
///
/// # Errors
/// When the name is taken already (the block behind it is left alone) or memory is short.
pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let _ = use_it;
    todo!(
        "create the block {name:?}, write {value} to word 0, run `use_it`, unlink, return what it returned"
    )
}
