//! Wrong: expects that there is a last write
//! Changes: copy_on_write
//! Fails: copy_on_write::without_writes_nothing_is_copied
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        assert_eq!(
            pages.get(writes.last().unwrap().page),
            writes.last().unwrap().value
        );
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
