//! Wrong: keeps its own running total, as if nobody else changed the word
//! Changes: python_block
//! Fails: python_block::no_update_is_lost_while_python_adds
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    let mut total = word.load(Ordering::SeqCst);
    for amount in amounts {
        let _lock = block.lock()?;
        total = total.wrapping_add(*amount);
        word.store(total, Ordering::SeqCst);
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::SeqCst))
}
