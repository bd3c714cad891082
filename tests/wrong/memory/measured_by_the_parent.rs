//! Wrong: measures in the parent, whose pages are no longer shared once the child has ended
//! Changes: copy_on_write
//! Fails: copy_on_write::the_child_measures_before_and_after_its_writes
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        for write in writes {
            pages.set(write.page, write.value);
        }
        Ok(first_bytes(pages))
    })?;
    let before = pages.usage()?;
    let child = child.wait()?;
    let after = pages.usage()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
