//! Wrong: leaks the block to give it a `'static` lifetime
//! Changes: python_block
//! Fails: python_block::lending_leaves_nothing_behind
//! Section: memory/exercise.md#who-unlinks-the-block

struct Name(&'static Block);

impl Drop for Name {
    fn drop(&mut self) {
        let _ = self.0.unlink();
    }
}

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let block: &'static Block = Box::leak(Box::new(Block::create(name, 8)?));
    let _name = Name(block);
    block.word(0)?.store(value, Ordering::SeqCst);
    Ok(use_it())
}
