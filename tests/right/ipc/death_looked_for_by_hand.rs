//! Right: asks itself whether the peer lives, and looks into the ring after that
//! Changes: sleeping

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
            let gone = peer.has_ended()?;
            message = ring.try_recv()?;
            if gone && message.is_none() {
                return Err(peer.died());
            }
            if message.is_none() {
                let _ = asleep.wait_while(1, peer);
            }
        }
        asleep.store(0, Ordering::Relaxed);
    }
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}
