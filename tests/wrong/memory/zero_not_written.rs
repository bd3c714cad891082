//! Wrong: skips writes of zero, because a new page is zero anyway
//! Changes: copy_on_write
//! Fails: copy_on_write::a_page_that_nobody_touched_is_not_shared
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes.iter().filter(|w| w.value != 0) {
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
