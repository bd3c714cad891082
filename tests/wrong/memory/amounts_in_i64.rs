//! Wrong: takes the amounts for signed numbers
//! Changes: python_block
//! Fails: python_block::the_word_may_need_all_64_bits
//! Section: memory/exercise.md#step-4-a-block-shared-with-python

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let amount = i64::try_from(*amount).map_err(io::Error::other)?;
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::SeqCst).wrapping_add_signed(amount),
            Ordering::SeqCst,
        );
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::SeqCst))
}
