//! Wrong: takes away the name of a block that Python made
//! Replaces: python_block
//! Fails: python_block::the_name_of_a_block_that_python_made_stays
//! Section: memory.md#who-unlinks-the-block

use os::memory::{Block, Ordering};
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
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        // Python has no atomic addition, so an atomic one here would not help: it reads, then writes.
        // Who holds the lock is alone between the two.
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::Relaxed).wrapping_add(*amount),
            Ordering::Relaxed,
        );
    }
    let last = word.load(Ordering::Relaxed);
    block.unlink()?;
    Ok(last)
}

/// Makes a block whose first word holds `value`, runs `use_it` while it exists, and takes its name away.
///
/// The name is gone when this returns, also when `use_it` panics: a name that nobody unlinks keeps its
/// memory until the machine restarts. Somebody else may have unlinked it meanwhile; that is no error.
///
/// # Errors
/// When the name is taken already (the block behind it is left alone) or memory is short.
pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, size_of::<u64>())?);
    lent.0.word(0)?.store(value, Ordering::Relaxed);
    Ok(use_it())
}

/// Takes the block's name away when dropped: at a return as at a panic.
struct Lent(Block);

impl Drop for Lent {
    fn drop(&mut self) {
        let _ = self.0.unlink(); // somebody else may have done it
    }
}
