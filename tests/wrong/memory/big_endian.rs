//! Wrong: stores the word in network byte order
//! Changes: python_block
//! Fails: python_block::rust_adds_to_a_block_that_python_made
//! Section: memory/exercise.md#a-block-with-a-name

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            u64::from_be(word.load(Ordering::SeqCst))
                .wrapping_add(*amount)
                .to_be(),
            Ordering::SeqCst,
        );
    }
    let _lock = block.lock()?;
    Ok(u64::from_be(word.load(Ordering::SeqCst)))
}
