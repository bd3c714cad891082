//! Wrong: keeps the page number in a `u8`
//! Changes: copy_on_write
//! Fails: copy_on_write::many_pages_are_no_trouble
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(usize::from(w.page as u8), w.value);
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
