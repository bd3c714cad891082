//! CPython as a peer.

use checks::Peer;
use std::sync::{Mutex, MutexGuard};

/// One CPython for all tests of this step: most of a peer's time is its start.
static PYTHON: Mutex<Option<Peer>> = Mutex::new(None);

/// The peer, for this test alone, if there is a Python; see `peer.py` for what it understands.
pub fn python() -> Option<Python> {
    let python = checks::linux("Python's shared_memory and `flock` meet in /dev/shm")
        .then(checks::python)??;
    let mut peer = PYTHON.lock().unwrap_or_else(|poisoned| {
        // A test failed in the middle of a conversation: begin a new one.
        PYTHON.clear_poison();
        let mut peer = poisoned.into_inner();
        *peer = None;
        peer
    });
    peer.get_or_insert_with(|| python.peer(include_str!("../peer.py"), &[]));
    Some(Python(peer))
}

/// Starts the peer ahead of the tests. Where there is no Python, the tests say so.
pub fn start_python() {
    if let Some(python) = checks::find_python() {
        let mut peer = PYTHON
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        peer.get_or_insert_with(|| python.peer(include_str!("../peer.py"), &[]));
    }
}

pub struct Python(MutexGuard<'static, Option<Peer>>);

impl Python {
    /// Tells it to do something and waits for its answer.
    pub fn ask(&mut self, what: &str) -> String {
        self.peer().send(what);
        self.peer().recv()
    }

    fn peer(&mut self) -> &mut Peer {
        self.0.as_mut().expect("it was started")
    }
}
