//! Right: sends the bytes back through a pipe
//! Changes: copy_on_write

use os::memory::{Pages, Usage};
use os::process;
use std::io::{self, Read, Write as _};

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let (mut reader, writer) = io::pipe()?;
    let child = {
        let (pages, mut writer) = (&mut *pages, &writer);
        process::fork(move || {
            let before = pages.usage()?;
            for w in writes {
                pages.set(w.page, w.value);
            }
            let after = pages.usage()?;
            for page in 0..pages.len() {
                writer.write_all(&[pages.get(page)])?;
            }
            Ok((before, after))
        })?
    };
    drop(writer);
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    let (before, after) = child.wait()?;
    read?;
    Ok(Seen {
        before,
        after,
        child: bytes,
        parent: first_bytes(pages),
    })
}
