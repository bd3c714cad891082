//! Right: lets a child process add the amounts
//! Changes: python_block

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    block.word(0)?;
    os::process::fork(|| {
        let own = Block::open(name)?;
        for amount in amounts {
            let _lock = own.lock()?;
            own.word(0)?.fetch_add(*amount, Ordering::SeqCst);
        }
        Ok(())
    })?
    .wait()?;
    let _lock = block.lock()?;
    Ok(block.word(0)?.load(Ordering::SeqCst))
}
