//! Wrong: measured in the parent, when the child has ended and shares nothing any more
//! Changes: copy_on_write
//! Fails: copy_on_write::the_child_measures_before_and_after_its_writes
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        for write in writes {
            pages.set(write.page, write.value); // the kernel copies the page now, if it was shared
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
