//! Wrong: mixes up the two measurements in the tuple
//! Changes: copy_on_write
//! Fails: copy_on_write::before_a_write_all_pages_are_shared
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let (after, before, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
