//! Right: catches the panic of `use_it`, unlinks, and lets it go on
//! Changes: python_block

use os::memory::{Block, Ordering};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let block = Block::create(name, 8)?;
    let result = match block.word(0) {
        Ok(word) => {
            word.store(value, Ordering::SeqCst);
            catch_unwind(AssertUnwindSafe(use_it))
        }
        Err(error) => {
            let _ = block.unlink();
            return Err(error);
        }
    };
    let _ = block.unlink();
    match result {
        Ok(value) => Ok(value),
        Err(panic) => resume_unwind(panic),
    }
}
