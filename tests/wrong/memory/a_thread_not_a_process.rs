//! Wrong: starts a thread instead of a process: it writes to the parent's own pages
//! Changes: copy_on_write
//! Fails: copy_on_write::one_child_is_forked
//! Section: memory/exercise.md#step-2-copy-on-write

use os::memory::{Pages, Usage};
use os::thread;
use std::io;

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let (before, after, child) = thread::scope(|scope| {
        scope
            .spawn(|| -> io::Result<_> {
                let before = pages.usage()?;
                for write in writes {
                    pages.set(write.page, write.value);
                }
                Ok((before, pages.usage()?, first_bytes(pages)))
            })
            .join()
            .unwrap()
    })?;
    Ok(Seen {
        before,
        after,
        child,
        parent: first_bytes(pages),
    })
}
