//! Wrong: takes a producer that does nothing for a quarter of a second for dead
//! Changes: sleeping
//! Fails: sleeping::a_stopped_peer_is_alive
//! Section: ipc/exercise.md#the-peer-died

use crate::ring::{CONSUMER_ASLEEP, PRODUCER_ASLEEP, Ring};
use os::memory::{Ordering, Spin, fence};
use os::process::Peer;
use os::time::{Duration, Instant};
use std::io;

pub fn recv(ring: Ring<'_>, peer: &Peer) -> io::Result<Vec<u8>> {
    let asleep = ring.memory.word(CONSUMER_ASLEEP);
    let begun = Instant::now();
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
            if begun.elapsed() > Duration::from_millis(250) {
                return Err(peer.died());
            }
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
