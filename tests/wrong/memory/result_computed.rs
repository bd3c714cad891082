//! Wrong: computes the result from what it read first, without what Python added
//! Changes: python_block
//! Fails: python_block::the_result_is_what_the_word_held_at_the_end
//! Section: memory/exercise.md#step-4-a-block-shared-with-python

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    let first = word.load(Ordering::SeqCst);
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    Ok(amounts.iter().fold(first, |sum, n| sum.wrapping_add(*n)))
}
