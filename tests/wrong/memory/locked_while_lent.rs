//! Wrong: holds the lock while the block is lent
//! Changes: python_block
//! Fails: python_block::the_borrower_may_take_the_lock
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8)?);
    let _lock = lent.0.lock()?;
    lent.0.word(0)?.store(value, Ordering::SeqCst);
    Ok(use_it())
}
