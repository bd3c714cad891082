//! Wrong: measures once, before the writes, and reports it twice
//! Changes: copy_on_write
//! Fails: copy_on_write::the_child_measures_before_and_after_its_writes
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let usage = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((usage, usage, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
