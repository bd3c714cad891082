//! Right: opens the block again for each amount
//! Changes: python_block

fn add_one(name: &str, amount: u64) -> io::Result<u64> {
    let block = Block::open(name)?;
    let _lock = block.lock()?;
    let word = block.word(0)?;
    let sum = word.load(Ordering::Relaxed).wrapping_add(amount);
    word.store(sum, Ordering::Relaxed);
    Ok(sum)
}

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    Block::open(name)?.word(0)?;
    for amount in amounts {
        add_one(name, *amount)?;
    }
    add_one(name, 0)
}
