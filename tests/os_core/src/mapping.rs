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
    #[inline]
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
    #[inline]
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
        self.write_bytes(0, bytes);
    }

    /// Copies the beginning of the mapping into `bytes`, until they are full.
    ///
    /// The copy is not atomic as a whole: see [`copy_in`](Self::copy_in).
    ///
    /// # Panics
    /// When the mapping is shorter.
    #[track_caller]
    pub fn copy_out(&self, bytes: &mut [u8]) {
        self.read_bytes(0, bytes);
    }

    /// Copies `bytes` into the word with the number `first` and the words after it. Where they fill the last word only
    /// partly, its other bytes stay as they are.
    ///
    /// The copy is plain data, not atomic and not ordered: use a word, with `Release` and `Acquire`, to tell the other
    /// side when it may look. In a model run two copies that nothing orders are reported as a data race.
    ///
    /// ```
    /// # extern crate os_core as os;
    /// # fn main() -> std::io::Result<()> {
    /// let mapping = os::memory::Mapping::shared(4)?;
    /// mapping.write_bytes(1, b"twelve bytes");
    /// let mut bytes = [0; 12];
    /// mapping.read_bytes(1, &mut bytes);
    /// assert_eq!(&bytes, b"twelve bytes");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When they don't fit between that word and the end of the mapping.
    #[inline]
    #[track_caller]
    pub fn write_bytes(&self, first: usize, bytes: &[u8]) {
        self.check(first, bytes.len());
        self.report(When::Before, first, Access::Store);
        #[cfg(feature = "model")]
        crate::model::memory::before_data();
        self.region.copy_in(first, bytes);
        #[cfg(feature = "model")]
        crate::model::memory::data_written(self, first, bytes.len());
        self.report(When::After, first, Access::Store);
    }

    /// Copies from the word with the number `first` on into `bytes`, until they are full.
    ///
    /// The copy is plain data, not atomic and not ordered: see [`write_bytes`](Self::write_bytes).
    ///
    /// # Panics
    /// When there are not as many bytes between that word and the end of the mapping.
    #[inline]
    #[track_caller]
    pub fn read_bytes(&self, first: usize, bytes: &mut [u8]) {
        self.check(first, bytes.len());
        self.report(When::Before, first, Access::Load);
        #[cfg(feature = "model")]
        crate::model::memory::before_data();
        self.region.copy_out(first, bytes);
        #[cfg(feature = "model")]
        crate::model::memory::data_read(self, first, bytes.len());
        self.report(When::After, first, Access::Load);
    }

    #[inline]
    #[track_caller]
    fn check(&self, first: usize, bytes: usize) {
        let len = self.region.len();
        let end = first
            .checked_mul(WORD)
            .and_then(|begin| begin.checked_add(bytes));
        assert!(
            end.is_some_and(|end| end <= len),
            "the mapping has {len} bytes: there are no {bytes} from word {first} on"
        );
    }

    /// The address of the word with this number, which need not exist.
    #[cfg(feature = "model")]
    pub(crate) fn address_of(&self, index: usize) -> usize {
        self.region.address().wrapping_add(index.wrapping_mul(WORD))
    }

    /// What a word holds, without an event; 0 if there is no such word.
    #[cfg(feature = "model")]
    pub(crate) fn peek(&self, index: usize) -> u64 {
        let word = self.region.word(index);
        word.map_or(0, |word| word.load(std::sync::atomic::Ordering::Relaxed))
    }

    #[inline]
    fn report(&self, when: When, index: usize, access: Access) {
        if !hook::listening() {
            return;
        }
        hook::notify(&Event::Access {
            when,
            space: self.space,
            index,
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
        #[cfg(feature = "model")]
        crate::model::memory::forget(self.address_of(0)..self.address_of(self.words));
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
