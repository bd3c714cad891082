//! Wrong: unlinks the name of a block that Python made
//! Changes: python_block
//! Fails: python_block::the_name_of_a_block_that_python_made_stays
//! Section: memory/exercise.md#who-unlinks-the-block

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::Relaxed).wrapping_add(*amount),
            Ordering::Relaxed,
        );
    }
    let last = word.load(Ordering::Relaxed);
    block.unlink()?;
    Ok(last)
}
