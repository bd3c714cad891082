//! Wrong: sleeps for a millisecond at a time
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
            std::thread::sleep(std::time::Duration::from_millis(1));
            let slept = match peer.has_ended()? {
                true => Err(peer.died()),
                false => Ok(()),
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
