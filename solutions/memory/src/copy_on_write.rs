//! Step 2: a forked process writes, and its parent does not see it.

use os::memory::{Pages, Usage};
use os::process;
use std::io;

/// A write to do: `value` into the first byte of `page`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// The number of the page, from 0.
    pub page: usize,
    /// The byte to write.
    pub value: u8,
}

/// What child and parent saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How the child held the pages before it wrote.
    pub before: Usage,
    /// How the child held the pages after it wrote.
    pub after: Usage,
    /// The first byte of each page, as the child sees it after its writes.
    pub child: Vec<u8>,
    /// The first byte of each page, as the parent sees it when the child has ended.
    pub parent: Vec<u8>,
}

/// Forks a child that writes to `pages`, and reports who sees what.
///
/// The child measures its pages with [`Pages::usage`], makes all of `writes` in their order, and measures again.
/// The parent waits for the child, and only then looks at its own pages. No child is left behind, whatever
/// happens.
///
/// # Errors
/// When the process can't be forked, the pages can't be measured, or the child doesn't return: it panics, for
/// example, at a write to a page that isn't there.
pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let child = process::fork(|| {
        let before = pages.usage()?;
        for write in writes {
            pages.set(write.page, write.value); // the kernel copies the page now, if it was shared
        }
        // Measured while both processes are alive: a page is shared only as long as two map it.
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

fn first_bytes(pages: &Pages) -> Vec<u8> {
    (0..pages.len()).map(|page| pages.get(page)).collect()
}
