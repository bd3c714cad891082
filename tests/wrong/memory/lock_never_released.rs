//! Wrong: forgets the guard and the block, so the lock stays held
//! Changes: python_block
//! Fails: python_block::the_lock_is_free_at_the_end
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    let total = {
        let lock = block.lock()?;
        let total = word.load(Ordering::SeqCst);
        std::mem::forget(lock);
        total
    };
    std::mem::forget(block);
    Ok(total)
}
