//! Wrong: writes only to a block that is as long as a word, so as to leave alone what follows the word in a longer one
//! Changes: python_block
//! Fails: python_block::only_the_first_word_changes
//! Section: memory/exercise.md#a-block-with-a-name

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    let mut unwritten = 0_u64;
    for amount in amounts {
        let _lock = block.lock()?;
        if block.len() > size_of::<u64>() {
            unwritten = unwritten.wrapping_add(*amount);
        } else {
            word.store(
                word.load(Ordering::SeqCst).wrapping_add(*amount),
                Ordering::SeqCst,
            );
        }
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::SeqCst).wrapping_add(unwritten))
}
