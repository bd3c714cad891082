//! One CPython for all tests of this chapter: most of a peer's time is its start.

use checks::Peer;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

static PYTHON: Mutex<Option<Peer>> = Mutex::new(None);

/// Starts the peer ahead of the tests. Where there is no Python, the tests say so.
pub fn start() {
    if let Some(python) = checks::find_python() {
        let mut peer = PYTHON.lock().unwrap_or_else(PoisonError::into_inner);
        peer.get_or_insert_with(|| python.peer(include_str!("../peer.py"), &[]));
    }
}

/// The peer, for this test alone, if there is a Python; see `peer.py` for what it understands.
pub fn python() -> Option<Python> {
    let python =
        checks::linux("the socket to Python has an abstract name").then(checks::python)??;
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

pub struct Python(MutexGuard<'static, Option<Peer>>);

impl Python {
    /// Tells it to do something.
    pub fn tell(&mut self, what: &str) {
        self.peer().send(what);
    }

    /// Takes its next line.
    pub fn hear(&mut self) -> String {
        self.peer().recv()
    }

    /// Tells it to do something and waits for its answer.
    pub fn ask(&mut self, what: &str) -> String {
        self.tell(what);
        self.hear()
    }

    fn peer(&mut self) -> &mut Peer {
        self.0.as_mut().expect("it was started")
    }
}

/// Connects to a socket with an abstract name: only Linux has those, and elsewhere the tests that need one are skipped.
pub fn connect(name: &str) -> UnixStream {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name);
        UnixStream::connect_addr(&address.expect("a short name")).expect("somebody listens")
    }
    #[cfg(not(target_os = "linux"))]
    panic!("no socket can have the abstract name {name} here")
}
