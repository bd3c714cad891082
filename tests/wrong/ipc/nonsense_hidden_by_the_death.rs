//! Wrong: takes any error of the last look for a ring that is empty, or full, when the peer has died
//! Changes: sleeping
//! Fails: sleeping::errors_of_the_ring_come_through
//! Section: ipc/exercise.md#the-peer-died

pub fn send(ring: Ring<'_>, message: &[u8], peer: &Peer) -> io::Result<()> {
    let asleep = ring.memory.word(PRODUCER_ASLEEP);
    let mut spin = Spin::new();
    while !ring.try_send(message)? {
        if spin.again() {
            continue;
        }
        asleep.store(1, Ordering::Relaxed);
        // Between saying that this side sleeps and looking for the last time: see `wake`.
        fence(Ordering::SeqCst);
        let mut sent = ring.try_send(message); // an error comes after the word is 0 again
        if let Ok(false) = sent
            && let Err(died) = asleep.wait_while(1, peer)
        {
            sent = match ring.try_send(message) {
                Ok(true) => Ok(true), // the last thing it did may have been to make room
                _ => Err(died),
            };
        }
        asleep.store(0, Ordering::Relaxed);
        if sent? {
            break;
        }
    }
    wake(ring, CONSUMER_ASLEEP);
    Ok(())
}

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
            received = match (ring.try_recv(), slept) {
                (Ok(None) | Err(_), Err(died)) => Err(died),
                (last, _) => last, // also if it died: the last thing it did may have been to send
            };
        }
        asleep.store(0, Ordering::Relaxed);
        message = received?;
    }
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}
