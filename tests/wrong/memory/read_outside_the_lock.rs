//! Wrong: reads first and acquires the lock only to write
//! Changes: python_block
//! Fails: python_block::no_update_is_lost_while_python_adds
//! Section: memory/exercise.md#one-lock-for-two-languages

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let seen = word.load(Ordering::SeqCst);
        let _lock = block.lock()?;
        word.store(seen.wrapping_add(*amount), Ordering::SeqCst);
    }
    let _lock = block.lock()?;
    Ok(word.load(Ordering::Relaxed))
}
