//! Wrong: does no more writes than there are pages
//! Changes: copy_on_write
//! Fails: copy_on_write::one_page_may_be_written_many_times
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes.iter().take(pages.len()) {
            pages.set(w.page, w.value);
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
