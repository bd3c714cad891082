//! Wrong: counts its writes instead of asking the kernel for the pages
//! Changes: copy_on_write
//! Fails: copy_on_write::the_child_measures_before_and_after_its_writes
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for write in writes {
            pages.set(write.page, write.value);
        }
        let after = Usage {
            shared: pages.len() - writes.len(),
            private_dirty: writes.len(),
        };
        Ok((before, after, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
