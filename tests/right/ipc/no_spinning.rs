//! Right: sleeps at once
//! Changes: sleeping

use crate::ring::{CONSUMER_ASLEEP, PRODUCER_ASLEEP, Ring};
use os::memory::{Ordering, fence};
use os::process::Peer;
use std::io;

pub fn send(ring: Ring<'_>, message: &[u8], peer: &Peer) -> io::Result<()> {
    let asleep = ring.memory.word(PRODUCER_ASLEEP);
    while !ring.try_send(message)? {
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

pub fn recv(ring: Ring<'_>, peer: &Peer) -> io::Result<Vec<u8>> {
    let asleep = ring.memory.word(CONSUMER_ASLEEP);
    let mut message = ring.try_recv()?;
    while message.is_none() {
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
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}
