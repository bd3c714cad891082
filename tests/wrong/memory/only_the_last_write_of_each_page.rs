//! Wrong: makes only the last write to each page, since the others leave no trace
//! Changes: copy_on_write
//! Fails: copy_on_write::one_page_may_be_written_many_times
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        let mut last = std::collections::BTreeMap::new();
        for write in writes {
            last.insert(write.page, write.value);
        }
        for (page, value) in last {
            pages.set(page, value);
        }
        // Measured while both processes are alive: a page is shared only as long as two map it.
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
