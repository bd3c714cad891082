//! Step 5: sleeping while there is nothing to do, and noticing that the peer died.

use crate::ring::{CONSUMER_ASLEEP, PRODUCER_ASLEEP, Ring};
use os::memory::{Ordering, Spin, fence};
use os::process::Peer;
use std::io;

/// Sends a message, and sleeps while the ring has no room for it. `peer` is the consumer.
///
/// Wakes the consumer if it sleeps ([`CONSUMER_ASLEEP`](crate::ring::CONSUMER_ASLEEP) is 1), and makes no system call if it
/// doesn't. While it sleeps itself, it uses no processor time. No wake-up is lost, whatever the scheduler and the processor
/// do.
///
/// # Errors
/// - `BrokenPipe` when there is no room and the consumer has ended, in whatever way, even if it ends while this process sleeps.
/// - Those of [`Ring::try_send`].
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
                Ok(false) => Err(died),
                last => last, // the last thing it did may have been to make room
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

/// Receives a message, and sleeps while there is none. `peer` is the producer.
///
/// Wakes the producer if it sleeps ([`PRODUCER_ASLEEP`](crate::ring::PRODUCER_ASLEEP) is 1), and makes no system call if it
/// doesn't. While it sleeps itself, it uses no processor time. No wake-up is lost, whatever the scheduler and the processor
/// do.
///
/// # Errors
/// - `BrokenPipe` when the ring is empty and the producer has ended, in whatever way, even if it ends while this
///   process sleeps. Everything that it sent is received first.
/// - Those of [`Ring::try_recv`].
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
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}

/// Wakes the other side if it sleeps, after the head or the tail was moved.
fn wake(ring: Ring<'_>, asleep: usize) {
    // Two sides, two words: this one writes its counter and reads "asleep", the other writes "asleep" and reads the counter.
    // With a fence between the two in both, at least one sees what the other wrote.
    fence(Ordering::SeqCst);
    let asleep = ring.memory.word(asleep);
    if asleep.load(Ordering::Relaxed) == 1 {
        asleep.store(0, Ordering::Relaxed);
        asleep.wake_all();
    }
}
