//! Right: says once more that it sleeps before each look, and that it doesn't once, at the end
//! Replaces: sleeping
use crate::ring::{CONSUMER_ASLEEP, PRODUCER_ASLEEP, Ring};
use os::memory::{Word, fence};
use os::process::Peer;
use std::io;
use std::sync::atomic::Ordering::SeqCst;

fn sleep_until<T>(
    word: &Word,
    peer: &Peer,
    attempt: &dyn Fn() -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    loop {
        word.store(1, SeqCst);
        fence(SeqCst);
        if let Some(done) = attempt()? {
            return Ok(Some(done));
        }
        if let Err(error) = word.wait_while(1, peer) {
            return match error.kind() {
                io::ErrorKind::BrokenPipe => attempt(),
                _ => Err(error),
            };
        }
    }
}

fn wait<T>(word: &Word, peer: &Peer, attempt: &dyn Fn() -> io::Result<Option<T>>) -> io::Result<T> {
    if let Some(done) = attempt()? {
        return Ok(done);
    }
    let slept = sleep_until(word, peer, attempt);
    word.store(0, SeqCst);
    slept?.ok_or_else(|| peer.died())
}

fn wake(word: &Word) {
    fence(SeqCst);
    match word.load(SeqCst) {
        1 => {
            word.store(0, SeqCst);
            word.wake_all();
        }
        _ => (),
    }
}

pub fn send(ring: Ring<'_>, message: &[u8], peer: &Peer) -> io::Result<()> {
    let sent = wait(ring.memory.word(PRODUCER_ASLEEP), peer, &|| {
        let sent = ring.try_send(message)?;
        Ok(sent.then_some(()))
    });
    if sent.is_ok() {
        wake(ring.memory.word(CONSUMER_ASLEEP));
    }
    sent
}

pub fn recv(ring: Ring<'_>, peer: &Peer) -> io::Result<Vec<u8>> {
    wait(ring.memory.word(CONSUMER_ASLEEP), peer, &|| ring.try_recv())
        .inspect(|_| wake(ring.memory.word(PRODUCER_ASLEEP)))
}
