//! Wrong: takes a `SeqCst` store for a fence before it looks once more
//! Changes: sleeping
//! Fails: sleeping::messages_arrive_under_any_schedule
//! Section: ipc/exercise.md#no-wake-up-is-lost

pub fn recv(ring: Ring<'_>, peer: &Peer) -> io::Result<Vec<u8>> {
    let asleep = ring.memory.word(CONSUMER_ASLEEP);
    let mut spin = Spin::new();
    let mut message = ring.try_recv()?;
    while message.is_none() {
        if spin.again() {
            message = ring.try_recv()?;
            continue;
        }
        asleep.store(1, Ordering::SeqCst);
        message = ring.try_recv()?;
        if message.is_none() {
            let slept = asleep.wait_while(1, peer);
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
