//! Step 4: a ring of messages in shared memory.

use os::memory::Mapping;
use std::io;

/// The word that says how many words the consumer has taken so far. Only the consumer writes it.
pub const HEAD: usize = 0;
/// The word that says how many words the producer has put so far. Only the producer writes it.
pub const TAIL: usize = 8;
/// The word that is 1 while the consumer sleeps, or is about to: step 5 needs it.
pub const CONSUMER_ASLEEP: usize = 16;
/// The word that is 1 while the producer sleeps, or is about to: step 5 needs it.
pub const PRODUCER_ASLEEP: usize = 24;
/// The first word of the ring itself, which goes on to the end of the mapping.
pub const DATA: usize = 32;

/// A ring of messages in memory that two processes share: one, the producer, sends; the other, the consumer, receives.
///
/// All state is in the mapping, which is zeroed at first: each process makes a `Ring` of its own over it, at any time. It
/// maps and opens nothing.
///
/// The words [`HEAD`] and [`TAIL`] count up and never wrap around. Word number `n` that is put goes to place
/// `DATA + n % capacity`, where `capacity` is the number of words from [`DATA`] to the end of the mapping. A message is
/// one word with its length in bytes, then its bytes, filled up to whole words.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'a> {
    /// The words that both processes share.
    pub memory: &'a Mapping,
}

impl<'a> Ring<'a> {
    /// Makes a ring over a mapping of more than [`DATA`] words, whatever they hold.
    #[must_use]
    pub fn new(memory: &'a Mapping) -> Self {
        Self { memory }
    }

    /// Returns how many words the ring has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.memory.len() - DATA
    }

    /// Puts a message into the ring; returns whether there was room for it now.
    ///
    /// The whole ring can be used: a message that needs exactly as many words as are free fits. The consumer sees all of
    /// the message or nothing: not part of it, and nothing older that lay in its place, on any processor. That holds
    /// even if this process is killed, at any moment. If there is no room, nothing changes.
    ///
    /// # Errors
    /// - `InvalidInput` when the message needs more words than the ring has.
    /// - `InvalidData` when the words [`HEAD`] and [`TAIL`] make no sense: the tail is before the head, or ahead of it by more
    ///   than the capacity. Nothing changes.
    pub fn try_send(&self, message: &[u8]) -> io::Result<bool> {
        todo!(
            "copy the {} bytes in if there is room, then move the tail",
            message.len()
        )
    }

    /// Takes the oldest message out of the ring; `None` if there is none now.
    ///
    /// The producer may use the place again only when the message has been copied out.
    ///
    /// # Errors
    /// `InvalidData` when what is in the memory makes no sense: the tail is before the head, or ahead of it by more than the
    /// capacity, or a message would be longer than what the producer has put. The other process may write anything there,
    /// even while this function runs: nothing makes it panic, hang, or ask for more memory than the ring has. Nothing
    /// changes.
    pub fn try_recv(&self) -> io::Result<Option<Vec<u8>>> {
        todo!("if the head isn't at the tail, copy a message out, then move the head")
    }
}
