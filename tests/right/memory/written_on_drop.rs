//! Right: writes the new value when a transaction is dropped
//! Changes: python_block

use os::memory::{Block, BlockLock, Ordering, Word};
use std::io;

struct Transaction<'a> {
    word: &'a Word,
    value: u64,
    _lock: BlockLock<'a>,
}

impl<'a> Transaction<'a> {
    fn begin(block: &'a Block) -> io::Result<Self> {
        let lock = block.lock()?;
        let word = block.word(0)?;
        Ok(Self {
            word,
            value: word.load(Ordering::SeqCst),
            _lock: lock,
        })
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.value != self.word.load(Ordering::SeqCst) {
            self.word.store(self.value, Ordering::SeqCst);
        }
    }
}

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    for amount in amounts {
        let mut transaction = Transaction::begin(&block)?;
        transaction.value = transaction.value.wrapping_add(*amount);
    }
    Ok(Transaction::begin(&block)?.value)
}
