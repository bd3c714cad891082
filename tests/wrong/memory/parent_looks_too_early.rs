//! Wrong: has the parent look at its pages before it waits for the child
//! Changes: copy_on_write
//! Fails: copy_on_write::the_parent_looks_after_the_child_has_ended
//! Section: memory/exercise.md#wait-for-your-children

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let parent = first_bytes(pages);
    let (before, after, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent,
    })
}
