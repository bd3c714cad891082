//! Wrong: opens the block once and keeps it, whatever name the next call has
//! Changes: python_block
//! Fails: python_block::only_the_first_word_changes
//! Section: memory/exercise.md#a-block-with-a-name

static BLOCK: std::sync::OnceLock<Block> = std::sync::OnceLock::new();

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    if BLOCK.get().is_none() {
        let _ = BLOCK.set(Block::open(name)?);
    }
    let block = BLOCK.get().unwrap();
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
