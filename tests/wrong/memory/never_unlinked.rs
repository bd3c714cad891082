//! Wrong: never unlinks the block's name
//! Changes: python_block
//! Fails: python_block::the_name_is_gone_afterwards
//! Section: memory/exercise.md#who-unlinks-the-block

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let block = Block::create(name, size_of::<u64>())?;
    block.word(0)?.store(value, Ordering::Relaxed);
    Ok(use_it())
}
