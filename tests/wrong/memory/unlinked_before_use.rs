//! Wrong: unlinks the name as soon as the block is made
//! Changes: python_block
//! Fails: python_block::python_reads_the_lent_block
//! Section: memory/exercise.md#a-block-with-a-name

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let block = Block::create(name, 8)?;
    block.word(0)?.store(value, Ordering::SeqCst);
    let _ = block.unlink();
    Ok(use_it())
}
