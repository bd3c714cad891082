//! Wrong: reports zero pages when they can't be counted
//! Changes: copy_on_write
//! Fails: copy_on_write::a_measurement_that_fails_is_an_error
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage().unwrap_or_default();
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((
            before,
            pages.usage().unwrap_or_default(),
            first_bytes(pages),
        ))
    })?;
    let (before, after, child) = child.wait()?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
