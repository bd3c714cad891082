//! Wrong: takes the first measurement only once a page has been written
//! Changes: copy_on_write
//! Fails: copy_on_write::the_child_measures_before_and_after_its_writes
//! Section: memory/exercise.md#count-pages-while-both-are-alive

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let mut before = None;
        for w in writes {
            pages.set(w.page, w.value);
            if before.is_none() {
                before = Some(pages.usage()?);
            }
        }
        let after = pages.usage()?;
        Ok((before.unwrap_or(after), after, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
