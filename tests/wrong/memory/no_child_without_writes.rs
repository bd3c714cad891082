//! Wrong: forks no child when there is nothing to write
//! Changes: copy_on_write
//! Fails: copy_on_write::without_writes_nothing_is_copied
//! Section: memory/exercise.md#step-2-copy-on-write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    if writes.is_empty() {
        let (usage, bytes) = (pages.usage()?, first_bytes(pages));
        return Ok(Seen {
            before: usage,
            after: usage,
            child: bytes.clone(),
            parent: bytes,
        });
    }
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
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
