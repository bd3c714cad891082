//! Wrong: unlinks after the call of `use_it`, which a panic skips
//! Changes: python_block
//! Fails: python_block::the_name_is_gone_after_a_panic
//! Section: memory/exercise.md#who-unlinks-the-block

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Block::create(name, size_of::<u64>())?;
    lent.word(0)?.store(value, Ordering::Relaxed);
    let value = use_it();
    let _ = lent.unlink();
    Ok(value)
}
