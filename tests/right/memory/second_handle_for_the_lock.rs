//! Right: acquires the lock through a second handle of the same block
//! Changes: python_block

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let gate = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _lock = gate.lock()?;
        let seen = word.load(Ordering::SeqCst);
        word.store(seen.wrapping_add(*amount), Ordering::SeqCst);
    }
    let _lock = gate.lock()?;
    Ok(word.load(Ordering::SeqCst))
}
