//! Wrong: expects that there is a first page
//! Changes: copy_on_write
//! Fails: copy_on_write::no_pages_are_no_trouble
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let first = pages.get(0);
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    debug_assert!(first == pages.get(0));
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
