//! Copies between shared words and bytes of this process, word by word.

use crate::region::WORD;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// From this many words on, the processor's string instruction beats a loop: it takes a while to start.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const LONG: usize = 128;

/// Whether the string instruction is to copy these bytes of this process. Only if they are aligned as the words are: then
/// every access that the processor splits the copy into holds whole words.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn suits_string_instruction(chunks: &[[u8; WORD]]) -> bool {
    chunks.len() >= LONG && chunks.as_ptr().addr().is_multiple_of(WORD)
}

/// Writes each chunk to the word at its place.
#[inline]
pub(crate) fn store(words: &[AtomicU64], chunks: &[[u8; WORD]]) {
    assert_eq!(words.len(), chunks.len());
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if suits_string_instruction(chunks) {
        // SAFETY: both slices have as many words (checked above) and are aligned. They don't overlap: a region hands out
        // atomics only, so no slice of plain bytes lies in one. Atomics may be written through a shared reference.
        return unsafe {
            copy_words(
                chunks.as_ptr().cast(),
                words.as_ptr().cast_mut().cast(),
                words.len(),
            )
        };
    }
    for (word, chunk) in words.iter().zip(chunks) {
        word.store(u64::from_ne_bytes(*chunk), Relaxed);
    }
}

/// Reads each chunk from the word at its place.
#[inline]
pub(crate) fn load(words: &[AtomicU64], chunks: &mut [[u8; WORD]]) {
    assert_eq!(words.len(), chunks.len());
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if suits_string_instruction(chunks) {
        // SAFETY: as in `store`, the other way round.
        return unsafe {
            copy_words(
                words.as_ptr().cast(),
                chunks.as_mut_ptr().cast(),
                words.len(),
            )
        };
    }
    for (word, chunk) in words.iter().zip(chunks) {
        *chunk = word.load(Relaxed).to_ne_bytes();
    }
}

/// Copies `count` words with `rep movsq`: to Rust, a relaxed atomic access for each of them, in no particular order. The compiler
/// never makes wide copies of a loop over atomics; the string instruction moves whole cache lines.
///
/// Intel's manual (volume 3, "Memory-Ordering Model for String Operations on Write-Back Memory") lets the stores of one string
/// operation become visible in any order, but all of them before any later store. So a counter that is stored
/// afterwards, with `Release`, publishes them. Linux's `kfifo` relies on it: `memcpy`, a string instruction on such
/// processors, then a barrier for the compiler alone, then the counter.
///
/// # Safety
/// `from` must be valid for reads of `count` words and `to` for writes; both must be aligned, and must not overlap.
#[cfg(all(target_arch = "x86_64", not(miri)))]
unsafe fn copy_words(from: *const u64, to: *mut u64, count: usize) {
    // SAFETY: the caller's. The direction flag is clear on entry to a block of assembly, and the block leaves all flags as
    // they are. Without `nomem`, the compiler moves no access to memory across it.
    unsafe {
        std::arch::asm!(
            "rep movsq",
            inout("rcx") count => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
}
