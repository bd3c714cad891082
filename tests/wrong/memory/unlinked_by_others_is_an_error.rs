//! Wrong: returns an error when somebody else has unlinked the name
//! Changes: python_block
//! Fails: python_block::somebody_else_may_unlink_the_lent_block
//! Section: memory/exercise.md#who-unlinks-the-block

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8)?);
    lent.0.word(0)?.store(value, Ordering::SeqCst);
    let result = use_it();
    lent.0.unlink()?;
    Ok(result)
}
