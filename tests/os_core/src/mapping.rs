//! Words that a process and the children it forks have both.

use crate::hook::{self, Access, Event, Space, When};
use crate::region::{Region, Sharing, WORD, too_large};
use crate::spaces;
use crate::word::Word;
use std::io;

/// Words of memory that a process and the children it forks map both.
///
/// ```
/// # extern crate os_core as os;
/// # fn main() -> std::io::Result<()> {
/// use os::memory::{Mapping, Ordering::SeqCst};
/// let mapping = Mapping::shared(1)?;
/// let child = os::process::fork(|| Ok(mapping.word(0).store(42, SeqCst)))?;
/// child.wait()?;
/// assert_eq!(mapping.word(0).load(SeqCst), 42); // the child's write
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Mapping {
    region: Region,
    words: usize,
    space: Space,
}

impl Mapping {
    /// Maps `words` zeroed words; every process sees what any of them writes.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn shared(words: usize) -> io::Result<Self> {
        Self::new(words, Sharing::Shared)
    }

    /// Maps `words` zeroed words; a process that writes gets its own copy.
    ///
    /// # Errors
    /// The kernel's, when it has no room.
    pub fn private(words: usize) -> io::Result<Self> {
        Self::new(words, Sharing::Private)
    }

    fn new(words: usize, sharing: Sharing) -> io::Result<Self> {
        let space = Space::Mapping {
            id: spaces::new_id(),
            shared: sharing == Sharing::Shared,
        };
        hook::around(
            |when| Event::Map {
                when,
                space,
                len: words,
            },
            || {
                let bytes = words
                    .checked_mul(WORD)
                    .ok_or_else(|| too_large(&format!("{words} words")))?;
                let region = map(bytes, sharing)?;
                let start = region.address();
                spaces::add(start..start + bytes, space);
                Ok(Self {
                    region,
                    words,
                    space,
                })
            },
        )
    }

    /// The number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// Returns a word of the mapping.
    ///
    /// # Panics
    /// When there is no such word.
    #[must_use]
    #[track_caller] // a panic names the caller's line
    pub fn word(&self, index: usize) -> &Word {
        let count = self.words;
        match self.region.word(index) {
            Some(word) => Word::wrap(word),
            None if count == 0 => panic!("there is no word {index}: the mapping is empty"),
            None => panic!("there is no word {index}: the words are 0 to {}", count - 1),
        }
    }

    /// Copies `bytes` into the mapping, from its beginning on.
    ///
    /// The copy is not atomic as a whole: tell other processes, by a word or otherwise, when they may look.
    ///
    /// # Panics
    /// When the mapping is shorter.
    #[track_caller]
    pub fn copy_in(&self, bytes: &[u8]) {
        self.check(bytes.len());
        self.report(When::Before, Access::Store);
        self.region.copy_in(bytes);
        self.report(When::After, Access::Store);
    }

    /// Copies the beginning of the mapping into `bytes`, until they are full.
    ///
    /// The copy is not atomic as a whole: see [`copy_in`](Self::copy_in).
    ///
    /// # Panics
    /// When the mapping is shorter.
    #[track_caller]
    pub fn copy_out(&self, bytes: &mut [u8]) {
        self.check(bytes.len());
        self.report(When::Before, Access::Load);
        self.region.copy_out(bytes);
        self.report(When::After, Access::Load);
    }

    #[track_caller]
    fn check(&self, bytes: usize) {
        let len = self.region.len();
        assert!(
            bytes <= len,
            "the mapping has {len} bytes, fewer than the {bytes} to be copied"
        );
    }

    fn report(&self, when: When, access: Access) {
        hook::notify(&Event::Access {
            when,
            space: self.space,
            index: 0,
            access,
            wrote: when == When::After && access == Access::Store,
            seen: None,
            now: None,
        });
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let space = self.space;
        hook::notify(&Event::Unmap {
            when: When::Before,
            space,
        });
        spaces::remove(self.region.address(), space);
        // The region is unmapped right after, when this value's fields are dropped.
    }
}

/// Maps an unnamed file that lives in memory, so that `/proc/self/maps` shows it as `memfd:mapping`.
#[cfg(target_os = "linux")]
fn map(bytes: usize, sharing: Sharing) -> io::Result<Region> {
    let file = crate::shm::memory_file(c"mapping", bytes)?;
    Region::of_file(&file, bytes, sharing)
}

#[cfg(not(target_os = "linux"))]
fn map(bytes: usize, sharing: Sharing) -> io::Result<Region> {
    Region::anonymous(bytes, sharing)
}
