//! Wrong: writes before the fork, so the parent has the values too
//! Changes: copy_on_write
//! Fails: copy_on_write::the_parent_does_not_see_the_childs_writes
//! Section: memory/exercise.md#copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    for write in writes {
        pages.set(write.page, write.value);
    }
    let child = process::fork(|| {
        let before = pages.usage()?;
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
