//! Wrong: writes each page only once, and keeps the first value
//! Changes: copy_on_write
//! Fails: copy_on_write::the_child_sees_its_own_writes
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        let mut done = std::collections::BTreeSet::new();
        for w in writes {
            if done.insert(w.page) {
                pages.set(w.page, w.value);
            }
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
