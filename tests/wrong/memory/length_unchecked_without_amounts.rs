//! Wrong: checks the block's length only when there is something to add
//! Changes: python_block
//! Fails: python_block::a_block_too_short_for_a_word_is_an_error
//! Section: memory/exercise.md#a-block-with-a-name

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    for amount in amounts {
        let _lock = block.lock()?;
        let word = block.word(0)?;
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    let _lock = block.lock()?;
    Ok(block.word(0).map_or(0, |word| word.load(Ordering::SeqCst)))
}
