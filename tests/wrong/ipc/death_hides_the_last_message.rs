//! Wrong: returns the error of a dead peer without looking once more
//! Changes: sleeping
//! Fails: sleeping::what_was_sent_before_the_death_arrives
//! Section: ipc/exercise.md#the-peer-died

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
            asleep.wait_while(1, peer)?;
        }
        asleep.store(0, Ordering::Relaxed);
    }
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}
