//! Wrong: holds the lock for all amounts, so Python has to wait for the last one
//! Changes: python_block
//! Fails: python_block::python_gets_its_turn_between_two_amounts
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    let _lock = block.lock()?;
    for amount in amounts {
        word.store(
            word.load(Ordering::Relaxed).wrapping_add(*amount),
            Ordering::Relaxed,
        );
    }
    Ok(word.load(Ordering::Relaxed))
}
