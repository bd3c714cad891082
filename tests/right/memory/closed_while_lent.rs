//! Right: keeps no handle open while the block is lent
//! Changes: python_block

struct Name<'a>(&'a str);

impl Drop for Name<'_> {
    fn drop(&mut self) {
        if let Ok(block) = Block::open(self.0) {
            let _ = block.unlink();
        }
    }
}

pub fn lend_block<T>(name: &str, value: u64, use_it: impl FnOnce() -> T) -> io::Result<T> {
    let _name = {
        let block = Block::create(name, 8)?;
        let name = Name(name);
        let _ = block
            .word(0)?
            .compare_exchange(0, value, Ordering::SeqCst, Ordering::SeqCst);
        name
    };
    Ok(use_it())
}
