//! Wrong: forks a child for each write, so no child sees the others' writes
//! Changes: copy_on_write
//! Fails: copy_on_write::one_child_is_forked
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let mut seen = None;
    for write in writes
        .iter()
        .map(Some)
        .chain(writes.is_empty().then_some(None))
    {
        let child = process::fork(|| {
            let before = pages.usage()?;
            if let Some(w) = write {
                pages.set(w.page, w.value);
            }
            Ok((before, pages.usage()?, first_bytes(pages)))
        })?;
        seen = Some(child.wait()?);
    }
    let (before, after, child) = seen.unwrap_or_default();
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
