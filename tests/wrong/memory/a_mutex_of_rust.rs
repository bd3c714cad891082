//! Wrong: acquires a Rust mutex, which Python doesn't know
//! Changes: python_block
//! Fails: python_block::every_write_is_made_under_the_lock
//! Section: memory/exercise.md#one-lock-for-two-languages

static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());

pub fn add_to_block(name: &str, amounts: &[u64]) -> io::Result<u64> {
    let block = Block::open(name)?;
    let word = block.word(0)?;
    for amount in amounts {
        let _guard = LOCK.lock().unwrap();
        word.store(
            word.load(Ordering::SeqCst).wrapping_add(*amount),
            Ordering::SeqCst,
        );
    }
    Ok(word.load(Ordering::SeqCst))
}
