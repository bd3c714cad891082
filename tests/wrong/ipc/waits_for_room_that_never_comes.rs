//! Wrong: takes every error for a full ring
//! Changes: sleeping
//! Fails: sleeping::errors_of_the_ring_come_through
//! Section: ipc/exercise.md#step-5-asleep-until-woken

pub fn send(ring: Ring<'_>, message: &[u8], peer: &Peer) -> io::Result<()> {
    let asleep = ring.memory.word(PRODUCER_ASLEEP);
    let mut spin = Spin::new();
    while !ring.try_send(message).unwrap_or(false) {
        if spin.again() {
            continue;
        }
        asleep.store(1, Ordering::Relaxed);
        // Between saying that this side sleeps and looking for the last time: see `wake`.
        fence(Ordering::SeqCst);
        let mut sent = ring.try_send(message).unwrap_or(false);
        if !sent {
            let slept = asleep.wait_while(1, peer);
            if slept.is_err() {
                sent = ring.try_send(message)?; // the last thing it did may have been to make room
            }
            if !sent {
                slept?;
            }
        }
        asleep.store(0, Ordering::Relaxed);
        if sent {
            break;
        }
    }
    wake(ring, CONSUMER_ASLEEP);
    Ok(())
}
