//! Wrong: adds atomically without the lock: Python's addition isn't atomic
//! Changes: python_block
//! Fails: python_block::every_write_is_made_under_the_lock
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        word.fetch_add(*amount, Ordering::SeqCst);
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::Relaxed))
}
