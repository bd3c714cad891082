//! Wrong: wraps page numbers around instead of reporting a page that isn't there
//! Changes: copy_on_write
//! Fails: copy_on_write::a_write_beyond_the_pages_is_an_error
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            let count = pages.len();
            pages.set(w.page % count, w.value);
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
