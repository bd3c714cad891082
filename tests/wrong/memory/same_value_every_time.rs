//! Wrong: remembers the first value and lends it every time
//! Changes: python_block
//! Fails: python_block::the_borrower_runs_once_and_its_result_is_returned
//! Section: memory/exercise.md#step-4-a-block-shared-with-python

static VALUE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let lent = Lent(Block::create(name, 8)?);
    lent.0
        .word(0)?
        .store(*VALUE.get_or_init(|| value), Ordering::SeqCst);
    Ok(use_it())
}
