//! Right: returns an error from the child, instead of a panic, for a page that isn't there
//! Changes: copy_on_write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            if w.page >= pages.len() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("no page {} among {}", w.page, pages.len()),
                ));
            }
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
