//! Wrong: assumes that the value fits into a `u32`
//! Changes: python_block
//! Fails: python_block::python_reads_the_lent_block
//! Section: memory/exercise.md#a-block-with-a-name

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8)?);
    lent.0
        .word(0)?
        .store(u64::from(value as u32), Ordering::SeqCst);
    Ok(use_it())
}
