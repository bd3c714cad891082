//! Wrong: keeps the first measurement of all in a `static`
//! Changes: copy_on_write
//! Fails: copy_on_write::before_a_write_all_pages_are_shared
//! Section: memory/exercise.md#count-pages-while-both-are-alive

static BEFORE: std::sync::OnceLock<Usage> = std::sync::OnceLock::new();

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    let before = *BEFORE.get_or_init(|| before);
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
