//! Wrong: doesn't keep the guard, so the lock is released before the addition
//! Changes: python_block
//! Fails: python_block::every_write_is_made_under_the_lock
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _ = block.lock()?;
        word.store(
            word.load(Ordering::Relaxed).wrapping_add(*amount),
            Ordering::Relaxed,
        );
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::Relaxed))
}
