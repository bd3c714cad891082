//! Wrong: returns 0 when there is nothing to add
//! Changes: python_block
//! Fails: python_block::no_amounts_change_nothing
//! Section: memory/exercise.md#step-4-a-block-shared-with-python

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    if amounts.is_empty() {
        return Ok(0);
    }
    let block = Block::open(name)?;
    let word = block.word(0)?;
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
