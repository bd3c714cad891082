//! Wrong: wakes the producer only when it has taken the last message
//! Changes: sleeping
//! Fails: sleeping::nobody_is_woken_who_does_not_sleep
//! Section: ipc/exercise.md#step-5-asleep-until-woken

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
            let slept = asleep.wait_while(1, peer);
            message = ring.try_recv()?; // also if it died: the last thing it did may have been to send
            if message.is_none() {
                slept?;
            }
        }
        asleep.store(0, Ordering::Relaxed);
    }
    let load = |word| ring.memory.word(word).load(Ordering::Relaxed);
    if load(crate::ring::HEAD) == load(crate::ring::TAIL) {
        wake(ring, PRODUCER_ASLEEP);
    }
    Ok(message.unwrap_or_default())
}
