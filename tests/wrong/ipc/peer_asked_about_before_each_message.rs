//! Wrong: asks before each message whether the consumer lives
//! Changes: sleeping
//! Fails: sleeping::nobody_asks_about_a_peer_without_need
//! Section: ipc/exercise.md#the-peer-died

pub fn send(ring: Ring<'_>, message: &[u8], peer: &Peer) -> io::Result<()> {
    let asleep = ring.memory.word(PRODUCER_ASLEEP);
    if peer.has_ended()? {
        return match ring.try_send(message)? {
            true => Ok(()),
            false => Err(peer.died()),
        };
    }
    let mut spin = Spin::new();
    while !ring.try_send(message)? {
        if spin.again() {
            continue;
        }
        asleep.store(1, Ordering::Relaxed);
        // Between saying that this side sleeps and looking for the last time: see `wake`.
        fence(Ordering::SeqCst);
        let mut sent = ring.try_send(message)?;
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
