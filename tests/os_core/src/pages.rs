//! A row of pages, to see how processes share and copy them.

use crate::hook::{self, Access, Event, Space, When};
use crate::region::{Region, Sharing, page_size};
use crate::smaps::{self, Usage};
use crate::spaces;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A row of zeroed pages, of which you use the first byte each.
///
/// ```
/// # extern crate os_core as os;
/// let mut pages = os::memory::Pages::private(3).unwrap();
/// pages.set(2, 7);
/// assert_eq!((pages.get(0), pages.get(2)), (0, 7));
/// ```
#[derive(Debug)]
pub struct Pages {
    region: Region,
    count: usize,
    space: Space,
}

impl Pages {
    /// Maps pages of this process alone: a forked child gets its own copy, page by page, as either writes.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn private(count: usize) -> io::Result<Self> {
        Self::new(count, Sharing::Private)
    }

    /// Maps pages that this process shares with the children it forks.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn shared(count: usize) -> io::Result<Self> {
        Self::new(count, Sharing::Shared)
    }

    fn new(count: usize, sharing: Sharing) -> io::Result<Self> {
        let space = Space::Pages {
            id: spaces::new_id(),
            shared: sharing == Sharing::Shared,
        };
        hook::around(
            |when| Event::Map {
                when,
                space,
                len: count,
            },
            || {
                let region = Region::of_pages(count, sharing)?;
                Ok(Self {
                    region,
                    count,
                    space,
                })
            },
        )
    }

    /// The number of pages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reads the first byte of a page.
    ///
    /// # Panics
    /// When there is no such page.
    #[must_use]
    #[track_caller] // a panic names the caller's line
    pub fn get(&self, page: usize) -> u8 {
        let byte = self.first_byte(page);
        self.report(When::Before, page, Access::Load, None, None);
        let seen = byte.load(Relaxed);
        self.report(When::After, page, Access::Load, Some(seen), None);
        seen
    }

    /// Writes the first byte of a page.
    ///
    /// # Panics
    /// When there is no such page.
    #[track_caller]
    pub fn set(&mut self, page: usize, value: u8) {
        let byte = self.first_byte(page);
        self.report(When::Before, page, Access::Store, None, None);
        byte.store(value, Relaxed);
        self.report(When::After, page, Access::Store, None, Some(value));
    }

    #[track_caller]
    fn first_byte(&self, page: usize) -> &AtomicU8 {
        let byte = page
            .checked_mul(page_size())
            .and_then(|offset| self.region.byte(offset));
        match byte {
            Some(byte) => byte,
            None if self.count == 0 => panic!("there is no page {page}: there are no pages at all"),
            None => panic!(
                "there is no page {page}: the pages are 0 to {}",
                self.count - 1
            ),
        }
    }

    fn report(&self, when: When, index: usize, access: Access, seen: Option<u8>, now: Option<u8>) {
        hook::notify(&Event::Access {
            when,
            space: self.space,
            index,
            access,
            wrote: now.is_some(),
            seen: seen.map(u64::from),
            now: now.map(u64::from),
        });
    }

    /// Reports how the calling process holds these pages right now, according to the kernel (`/proc/self/smaps`).
    ///
    /// A page that was never touched counts as neither.
    ///
    /// # Errors
    /// `Unsupported` where there is no `/proc`, as on macOS; otherwise the error of reading it.
    pub fn usage(&self) -> io::Result<Usage> {
        hook::around(
            |when| Event::Usage { when },
            || {
                if self.is_empty() {
                    return Ok(Usage::default()); // there is no entry for no memory
                }
                smaps::usage(self.region.address())
            },
        )
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        hook::notify(&Event::Unmap {
            when: When::Before,
            space: self.space,
        });
    }
}
