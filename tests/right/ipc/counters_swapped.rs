//! Right: exchanges the words in one step instead of fencing
//! Changes: sleeping

use crate::ring::{CONSUMER_ASLEEP, PRODUCER_ASLEEP, Ring};
use os::memory::{Ordering, Spin};
use os::process::Peer;
use std::io;

pub fn send(ring: Ring<'_>, message: &[u8], peer: &Peer) -> io::Result<()> {
    let asleep = ring.memory.word(PRODUCER_ASLEEP);
    let mut spin = Spin::new();
    while !ring.try_send(message)? {
        if spin.again() {
            continue;
        }
        asleep.swap(1, Ordering::AcqRel);
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
        asleep.swap(0, Ordering::AcqRel);
        if sent {
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
        asleep.swap(1, Ordering::AcqRel);
        message = ring.try_recv()?;
        if message.is_none() {
            let slept = asleep.wait_while(1, peer);
            message = ring.try_recv()?; // also if it died: the last thing it did may have been to send
            if message.is_none() {
                slept?;
            }
        }
        asleep.swap(0, Ordering::AcqRel);
    }
    wake(ring, PRODUCER_ASLEEP);
    Ok(message.unwrap_or_default())
}

fn wake(ring: Ring<'_>, asleep: usize) {
    // Two sides, two words: this one writes its counter and reads "asleep", the other writes "asleep" and reads the counter.
    // With a fence between the two in both, at least one sees what the other wrote.
    let asleep = ring.memory.word(asleep);
    if asleep.swap(0, Ordering::AcqRel) == 1 {
        asleep.wake_all();
    }
}
