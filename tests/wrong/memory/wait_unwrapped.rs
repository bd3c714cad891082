//! Wrong: panics when the child has failed
//! Changes: copy_on_write
//! Fails: copy_on_write::a_write_beyond_the_pages_is_an_error
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait().unwrap();
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
