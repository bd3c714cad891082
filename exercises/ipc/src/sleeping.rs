//! Step 5: sleeping while there is nothing to do, and noticing that the peer died.

use crate::ring::Ring;
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
    let _ = (ring, peer);
    todo!(
        "send the {} bytes, sleep while there is no room, wake the consumer if it sleeps",
        message.len()
    )
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
    let _ = (ring, peer);
    todo!("receive a message, sleep while there is none, wake the producer if it sleeps")
}
