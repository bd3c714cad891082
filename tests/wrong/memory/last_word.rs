//! Wrong: adds to the last word of the block
//! Changes: python_block
//! Fails: python_block::only_the_first_word_changes
//! Section: memory/exercise.md#a-block-with-a-name

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word((block.len() / 8).saturating_sub(1))?;
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::SeqCst))
}
