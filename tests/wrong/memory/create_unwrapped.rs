//! Wrong: panics when the block can't be made
//! Changes: python_block
//! Fails: python_block::a_name_that_is_taken_is_left_alone
//! Section: memory/exercise.md#who-unlinks-the-block

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8).unwrap());
    lent.0.word(0)?.store(value, Ordering::SeqCst);
    Ok(use_it())
}
