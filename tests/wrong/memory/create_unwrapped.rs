//! Wrong: panics when the block can't be made
//! Changes: python_block
//! Fails: python_block::a_block_that_cannot_be_made_is_an_error
//! Section: memory/exercise.md#a-block-with-a-name

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8).unwrap());
    lent.0.word(0)?.store(value, Ordering::SeqCst);
    Ok(use_it())
}
