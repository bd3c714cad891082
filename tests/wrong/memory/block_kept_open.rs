//! Wrong: forgets the block, which stays open and mapped
//! Changes: python_block
//! Fails: python_block::adding_leaves_nothing_behind
//! Section: memory/exercise.md#a-block-with-a-name

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = block.lock()?;
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    let total = {
        let _lock = block.lock()?;
        word.load(Ordering::SeqCst)
    };
    std::mem::forget(block);
    Ok(total)
}
