//! Wrong: returns the error of a dead consumer without trying once more
//! Changes: sleeping
//! Fails: sleeping::what_was_sent_before_the_death_arrives
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
        let sent = ring.try_send(message)?;
        if !sent {
            asleep.wait_while(1, peer)?;
        }
        asleep.store(0, Ordering::Relaxed);
        if sent {
            break;
        }
    }
    wake(ring, CONSUMER_ASLEEP);
    Ok(())
}
