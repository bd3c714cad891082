//! Wrong: ignores errors of the ring once it has said that it sleeps
//! Changes: sleeping
//! Fails: sleeping::errors_of_the_ring_come_through
//! Section: ipc/exercise.md#step-5-asleep-until-woken

pub fn recv(ring: Ring<'_>, peer: &Peer) -> io::Result<Vec<u8>> {
    let asleep = ring.memory.word(CONSUMER_ASLEEP);
    let mut spin = Spin::new();
    let mut message = ring.try_recv()?;
    while message.is_none() {
        if spin.again() {
            message = ring.try_recv().unwrap_or(None);
            continue;
        }
        asleep.store(1, Ordering::Relaxed);
        // Between saying that this side sleeps and looking for the last time: see `wake`.
        fence(Ordering::SeqCst);
        message = ring.try_recv().unwrap_or(None);
        if message.is_none() {
            let slept = asleep.wait_while(1, peer);
            message = ring.try_recv().unwrap_or(None);
            if message.is_none() {
                slept?;
            }
        }
        asleep.store(0, Ordering::Relaxed);
    }
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}
