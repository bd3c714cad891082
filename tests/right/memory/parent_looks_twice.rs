//! Right: has the parent look before the fork as well, and compares
//! Changes: copy_on_write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let at_first = first_bytes(pages);
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        Ok((before, pages.usage()?, first_bytes(pages)))
    })?;
    let (before, after, child) = child.wait()?;
    let parent = first_bytes(pages);
    if parent != at_first {
        eprintln!("these pages are shared: the parent sees the child's writes");
    }
    Ok(Seen {
        before,
        after,
        child,
        parent,
    })
}
