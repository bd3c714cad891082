//! Wrong: unwraps in `drop` while a panic is under way: a second panic aborts
//! Changes: python_block
//! Fails: python_block::the_panic_comes_through_when_the_name_is_gone_already
//! Section: memory/exercise.md#who-unlinks-the-block

impl Drop for Lent {
    fn drop(&mut self) {
        let gone = self.0.unlink();
        if std::thread::panicking() {
            gone.unwrap();
        }
    }
}

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8)?);
    lent.0.word(0)?.store(value, Ordering::SeqCst);
    Ok(use_it())
}
