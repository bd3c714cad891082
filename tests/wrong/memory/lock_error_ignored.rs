//! Wrong: goes on without the lock when it can't be acquired
//! Changes: python_block
//! Fails: python_block::a_lock_that_fails_is_an_error
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = block.lock().ok();
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    let _lock = block.lock().ok();
    Ok(word.load(Ordering::SeqCst))
}
