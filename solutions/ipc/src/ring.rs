//! Step 4: a ring of messages in shared memory.

use os::memory::{Mapping, Ordering};
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
        let needed = words_for(message.len() as u64).unwrap_or(u64::MAX);
        if needed > self.capacity() as u64 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // The tail is this side's own. `Acquire`: the consumer has copied out what was before the head that is seen here.
        let tail = self.memory.word(TAIL).load(Ordering::Relaxed);
        let head = self.memory.word(HEAD).load(Ordering::Acquire);
        let used = self.used(head, tail)?;
        if needed > self.capacity() as u64 - used {
            return Ok(false);
        }
        self.memory
            .write_bytes(self.place(tail), &(message.len() as u64).to_ne_bytes());
        let begin = self.place(tail.wrapping_add(1));
        let (until_end, rest) =
            message.split_at(message.len().min((self.memory.len() - begin) * 8));
        self.memory.write_bytes(begin, until_end);
        self.memory.write_bytes(DATA, rest);
        // `Release`: whoever sees this tail sees the message.
        self.memory
            .word(TAIL)
            .store(tail.wrapping_add(needed), Ordering::Release);
        Ok(true)
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
        // The head is this side's own. `Acquire`: with the tail that is seen here come the messages before it.
        let head = self.memory.word(HEAD).load(Ordering::Relaxed);
        let tail = self.memory.word(TAIL).load(Ordering::Acquire);
        let used = self.used(head, tail)?;
        if used == 0 {
            return Ok(None);
        }
        let mut length = [0; 8];
        self.memory.read_bytes(self.place(head), &mut length);
        let length = u64::from_ne_bytes(length);
        let taken = words_for(length)
            .filter(|words| *words <= used)
            .ok_or(io::ErrorKind::InvalidData)?;
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut message = vec![0; length];
        let begin = self.place(head.wrapping_add(1));
        let cut = message.len().min((self.memory.len() - begin) * 8);
        let (until_end, rest) = message.split_at_mut(cut);
        self.memory.read_bytes(begin, until_end);
        self.memory.read_bytes(DATA, rest);
        // `Release`: whoever sees this head may write over what has been copied out.
        self.memory
            .word(HEAD)
            .store(head.wrapping_add(taken), Ordering::Release);
        Ok(Some(message))
    }

    /// How many words are in use; an error if these two can't be.
    fn used(self, head: u64, tail: u64) -> io::Result<u64> {
        tail.checked_sub(head)
            .filter(|used| *used <= self.capacity() as u64)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Where the word with this number lies.
    fn place(self, number: u64) -> usize {
        let place = number % self.capacity() as u64;
        DATA + usize::try_from(place).expect("it is less than the capacity")
    }
}

/// How many words a message of so many bytes takes, its length included.
fn words_for(bytes: u64) -> Option<u64> {
    bytes.div_ceil(8).checked_add(1)
}
