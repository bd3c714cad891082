//! Wrong: creates a block when there is none to attach to
//! Changes: python_block
//! Fails: python_block::a_block_that_nobody_made_is_an_error
//! Section: memory/exercise.md#a-block-with-a-name

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name).or_else(|_| Block::create(name, size_of::<u64>()))?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::Relaxed).wrapping_add(*amount),
            Ordering::Relaxed,
        );
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::Relaxed))
}
