//! Mapped memory: the only module that maps, unmaps and points into it.
//!
//! Every offset is checked here, with arithmetic that cannot wrap, so the rest of the crate needs no `unsafe`
//! to reach memory. A region is only ever reached through atomics of one size: words (for mappings and
//! blocks) or bytes (for pages), never both, since atomic accesses of different sizes to one place race.

use crate::strings;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// Bytes in a word.
pub(crate) const WORD: usize = size_of::<u64>();

/// The number of bytes in a page of this machine, the unit in which the kernel maps memory.
///
/// ```
/// # extern crate os_core as os;
/// assert!(os::memory::page_size().is_power_of_two());
/// ```
#[must_use]
pub fn page_size() -> usize {
    // SAFETY: sysconf only reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// Whether a write is seen by the other processes that have the same memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    Shared,
    Private,
}

impl Sharing {
    fn flag(self) -> i32 {
        match self {
            Self::Shared => libc::MAP_SHARED,
            Self::Private => libc::MAP_PRIVATE,
        }
    }
}

/// Memory that this process has mapped; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    /// The start of the whole mapping, guard pages included; page-aligned.
    start: NonNull<u8>,
    /// The length of the whole mapping.
    mapped: usize,
    /// The usable part: from `guard` on, `len` bytes.
    guard: usize,
    len: usize,
    /// What the region is made of, and the size of the atomics it is reached through.
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Words,
    Bytes,
    /// Not reached through atomics of ours at all: the C library has it.
    #[cfg(target_os = "linux")]
    Opaque,
}

// SAFETY: a region owns its mapping, and mapped memory belongs to no thread.
unsafe impl Send for Region {}
// SAFETY: through a shared reference the memory is reached only by atomic accesses of one size.
unsafe impl Sync for Region {}

/// An error that says that a size is beyond what can be mapped.
pub(crate) fn too_large(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::OutOfMemory,
        format!("{what} are more than this machine can map"),
    )
}

impl Region {
    fn map(
        len: usize,
        guard: usize,
        flags: i32,
        file: Option<&File>,
        unit: Unit,
    ) -> io::Result<Self> {
        let mapped = guard
            .checked_mul(2)
            .and_then(|guards| len.checked_add(guards))
            .map(|bytes| bytes.max(1)) // mmap refuses an empty mapping
            .filter(|bytes| isize::try_from(*bytes).is_ok())
            .ok_or_else(|| too_large(&format!("{len} bytes")))?;
        let fd = file.map_or(-1, AsRawFd::as_raw_fd);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice overlaps nothing of ours.
        let start = unsafe { libc::mmap(null_mut(), mapped, access, flags, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast())
            .ok_or_else(|| io::Error::other("mmap returned address 0"))?;
        Ok(Self {
            start,
            mapped,
            guard,
            len,
            unit,
        })
    }

    /// Maps the first `len` bytes of a file, to be reached as words.
    pub(crate) fn of_file(file: &File, len: usize, sharing: Sharing) -> io::Result<Self> {
        Self::map(len, 0, sharing.flag(), Some(file), Unit::Words)
    }

    /// Maps zeroed memory without a file, to be reached as words.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn anonymous(len: usize, sharing: Sharing) -> io::Result<Self> {
        Self::map(len, 0, sharing.flag() | libc::MAP_ANON, None, Unit::Words)
    }

    /// Maps zeroed pages, to be reached as bytes, with a guard page at either end, so that the kernel accounts for
    /// them apart from their neighbors.
    pub(crate) fn of_pages(count: usize, sharing: Sharing) -> io::Result<Self> {
        let guard = page_size();
        let len = count
            .checked_mul(guard)
            .ok_or_else(|| too_large(&format!("{count} pages")))?;
        let region = Self::map(
            len,
            guard,
            sharing.flag() | libc::MAP_ANON,
            None,
            Unit::Bytes,
        )?;
        for offset in [0, guard + len] {
            // SAFETY: both guard pages lie inside the mapping of `len + 2 * guard` bytes made above, which
            // nobody uses yet.
            let done = unsafe {
                libc::mprotect(
                    region.start.add(offset).as_ptr().cast(),
                    guard,
                    libc::PROT_NONE,
                )
            };
            if done != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        #[cfg(target_os = "linux")]
        {
            // Pages are counted one by one, so the kernel must not join them into huge ones.
            // SAFETY: the range is inside the mapping; this advice changes no contents.
            unsafe {
                libc::madvise(
                    region.start.add(guard).as_ptr().cast(),
                    len,
                    libc::MADV_NOHUGEPAGE,
                );
            }
        }
        Ok(region)
    }

    /// Maps zeroed memory that only the C library reads and writes.
    #[cfg(target_os = "linux")]
    pub(crate) fn opaque(len: usize, sharing: Sharing) -> io::Result<Self> {
        Self::map(len, 0, sharing.flag() | libc::MAP_ANON, None, Unit::Opaque)
    }

    /// The first byte of memory that the C library has; null for any other region, whose memory is reached through atomics.
    #[cfg(target_os = "linux")]
    pub(crate) fn opaque_start(&self) -> *mut u8 {
        match self.unit {
            Unit::Opaque => self.start.as_ptr(),
            _ => null_mut(),
        }
    }

    /// The address of the usable part.
    pub(crate) fn address(&self) -> usize {
        self.start.as_ptr() as usize + self.guard
    }

    /// The bytes of the usable part.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The start of `size` bytes at `offset`, if they lie inside the usable part.
    #[inline]
    fn at(&self, offset: usize, size: usize) -> Option<NonNull<u8>> {
        if offset.checked_add(size)? > self.len {
            return None;
        }
        // SAFETY: `offset + size` is at most `len` (checked above), and `guard + len` is at most `mapped`, which
        // fits an `isize` (checked in `map`), so the sum neither wraps nor leaves the mapping.
        Some(unsafe { self.start.add(self.guard + offset) })
    }

    /// The word with this number, if the region has it.
    #[inline]
    pub(crate) fn word(&self, index: usize) -> Option<&AtomicU64> {
        if self.unit != Unit::Words {
            return None;
        }
        let word = self.at(index.checked_mul(WORD)?, WORD)?;
        // SAFETY: eight mapped bytes (checked by `at`), aligned since the mapping begins at a page and there is no
        // guard in a region of words; valid as long as the region, which `self` borrows; only accessed as words.
        Some(unsafe { AtomicU64::from_ptr(word.as_ptr().cast()) })
    }

    /// All whole words, if it is a region of words: one check for all of them, where copying is what is timed.
    #[inline]
    fn words(&self) -> Option<&[AtomicU64]> {
        if self.unit != Unit::Words {
            return None;
        }
        let count = self.len / WORD;
        if count == 0 {
            return Some(&[]);
        }
        let first = self.at(0, count * WORD)?;
        // SAFETY: `count` words of mapped bytes (checked by `at`), fewer than `isize::MAX` bytes since they are mapped;
        // aligned, valid and only accessed as words for the reasons given in `word`.
        Some(unsafe { std::slice::from_raw_parts(first.as_ptr().cast(), count) })
    }

    /// The byte at this offset, if the region has it.
    pub(crate) fn byte(&self, offset: usize) -> Option<&AtomicU8> {
        if self.unit != Unit::Bytes {
            return None;
        }
        let byte = self.at(offset, 1)?;
        // SAFETY: a mapped byte (checked by `at`), valid as long as the region, which `self` borrows; only accessed
        // as bytes.
        Some(unsafe { AtomicU8::from_ptr(byte.as_ptr()) })
    }

    /// Copies `bytes` to the word with this number and those after it, word by word; `false` if they do not fit. The
    /// last word keeps the bytes that are not written.
    #[inline]
    pub(crate) fn copy_in(&self, first: usize, bytes: &[u8]) -> bool {
        let Some(words) = self.words_from(first, bytes.len()) else {
            return false;
        };
        let (chunks, rest) = bytes.as_chunks::<WORD>();
        strings::store(&words[..chunks.len()], chunks);
        if let (false, Some(word)) = (rest.is_empty(), self.word(first + chunks.len())) {
            let merge = |seen: u64| {
                let mut all = seen.to_ne_bytes();
                all[..rest.len()].copy_from_slice(rest);
                u64::from_ne_bytes(all)
            };
            let mut seen = word.load(Relaxed);
            while let Err(now) = word.compare_exchange_weak(seen, merge(seen), Relaxed, Relaxed) {
                seen = now;
            }
        }
        true
    }

    /// Copies from the word with this number on to `bytes`, word by word; `false` if there are not as many.
    #[inline]
    pub(crate) fn copy_out(&self, first: usize, bytes: &mut [u8]) -> bool {
        let Some(words) = self.words_from(first, bytes.len()) else {
            return false;
        };
        let (chunks, rest) = bytes.as_chunks_mut::<WORD>();
        let whole = chunks.len();
        strings::load(&words[..whole], chunks);
        if let (false, Some(word)) = (rest.is_empty(), self.word(first + whole)) {
            rest.copy_from_slice(&word.load(Relaxed).to_ne_bytes()[..rest.len()]);
        }
        true
    }

    /// The words from this number on, if `bytes` bytes lie there.
    #[inline]
    fn words_from(&self, first: usize, bytes: usize) -> Option<&[AtomicU64]> {
        let begin = first.checked_mul(WORD)?;
        if begin.checked_add(bytes)? > self.len {
            return None;
        }
        let words = self.words()?;
        Some(words.get(first..).unwrap_or_default())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's own, and no reference into it outlives the region.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.mapped) };
    }
}
