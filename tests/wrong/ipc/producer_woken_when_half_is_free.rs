//! Wrong: wakes the producer only when half of the ring is free
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
        let mut received = ring.try_recv(); // an error comes after the word is 0 again
        if let Ok(None) = received {
            let slept = asleep.wait_while(1, peer);
            received = ring.try_recv(); // also if it died: the last thing it did may have been to send
            if let Ok(None) = received {
                received = slept.map(|()| None);
            }
        }
        asleep.store(0, Ordering::Relaxed);
        message = received?;
    }
    let load = |word| ring.memory.word(word).load(Ordering::Relaxed);
    let used = load(crate::ring::TAIL).saturating_sub(load(crate::ring::HEAD));
    if used <= ring.capacity() as u64 / 2 {
        wake(ring, PRODUCER_ASLEEP);
    }
    Ok(message.unwrap_or_default())
}
