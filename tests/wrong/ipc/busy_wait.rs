//! Wrong: looks again and again instead of sleeping
//! Changes: sleeping
//! Fails: sleeping::who_sleeps_says_so_and_sleeps_on_the_word
//! Section: ipc/exercise.md#sleeping-on-a-word

pub fn recv(ring: Ring<'_>, peer: &Peer) -> io::Result<Vec<u8>> {
    let asleep = ring.memory.word(CONSUMER_ASLEEP);
    let mut spin = Spin::new();
    let mut message = ring.try_recv()?;
    while message.is_none() {
        if spin.again() {
            message = ring.try_recv()?;
            continue;
        }
        asleep.store(1, Ordering::Relaxed);
        // Between saying that this side sleeps and looking for the last time: see `wake`.
        fence(Ordering::SeqCst);
        message = ring.try_recv()?;
        if message.is_none() {
            let slept = if peer.has_ended()? {
                Err(peer.died())
            } else {
                Ok(())
            };
            message = ring.try_recv()?; // also if it died: the last thing it did may have been to send
            if message.is_none() {
                slept?;
            }
        }
        asleep.store(0, Ordering::Relaxed);
    }
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}
