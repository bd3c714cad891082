//! Wrong: copies as much of the message as there is room for, and then says that there is none
//! Changes: ring
//! Fails: ring::a_full_ring_stays_as_it_is
//! Section: ipc/exercise.md#full-or-empty

impl<'a> Ring<'a> {
    #[must_use]
    pub fn new(memory: &'a Mapping) -> Self {
        Self { memory }
    }

    #[must_use]
    pub fn capacity(&self) -> usize {
        self.memory.len() - DATA
    }

    pub fn try_send(&self, message: &[u8]) -> io::Result<bool> {
        let needed = words_for(message.len() as u64).unwrap_or(u64::MAX);
        if needed > self.capacity() as u64 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // The tail is this side's own. `Acquire`: the consumer has copied out what was before the head that is seen here.
        let tail = self.memory.word(TAIL).load(Ordering::Relaxed);
        let head = self.memory.word(HEAD).load(Ordering::Acquire);
        let used = self.used(head, tail)?;
        let free = self.capacity() as u64 - used;
        let fits = usize::try_from(free.saturating_sub(1) * 8).unwrap_or(usize::MAX);
        let part = &message[..message.len().min(fits)];
        let begin = self.place(tail.wrapping_add(1));
        let (until_end, rest) = part.split_at(part.len().min((self.memory.len() - begin) * 8));
        self.memory.write_bytes(begin, until_end);
        self.memory.write_bytes(DATA, rest);
        if needed > free {
            return Ok(false);
        }
        self.memory
            .write_bytes(self.place(tail), &(message.len() as u64).to_ne_bytes());
        // `Release`: whoever sees this tail sees the message.
        self.memory
            .word(TAIL)
            .store(tail.wrapping_add(needed), Ordering::Release);
        Ok(true)
    }

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

    fn used(self, head: u64, tail: u64) -> io::Result<u64> {
        tail.checked_sub(head)
            .filter(|used| *used <= self.capacity() as u64)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn place(self, number: u64) -> usize {
        let place = number % self.capacity() as u64;
        DATA + usize::try_from(place).expect("it is less than the capacity")
    }
}
