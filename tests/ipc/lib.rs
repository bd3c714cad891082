//! The tests of the chapter "IPC: say it across the wall": the judge's side, which knows nothing of the learner's crate.

pub mod descriptor;
pub mod framing;
pub mod ring;
pub mod sleeping;
pub mod worker;

use checks::Chapter;
use os_core::memory::Mapping;
use os_core::process::Peer;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// What a worker of step 2 answers to a request.
pub type Answers = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// What a server of step 3 answers to a request that comes with a file.
pub type AnswersFile<'a> = dyn FnMut(&[u8], File) -> Vec<u8> + 'a;

/// A message, if there is one.
pub type Received = io::Result<Option<Vec<u8>>>;

/// What a call returned, its error as a kind.
type Answer = Result<Vec<u8>, String>;

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `framing::header`.
    pub header: fn(u64) -> Vec<u8>,
    /// Step 1: `framing::send_frame`.
    pub send_frame: fn(&mut dyn Write, &[u8]) -> io::Result<()>,
    /// Step 1: `framing::recv_frame`.
    pub recv_frame: fn(&mut dyn Read, usize) -> Received,
    /// Step 2: `Worker::start`.
    pub start_worker: fn(Answers) -> io::Result<Box<dyn StartedWorker>>,
    /// Step 3: `descriptor::call`.
    pub call: fn(&mut UnixStream, &[u8], BorrowedFd<'_>) -> io::Result<Vec<u8>>,
    /// Step 3: `descriptor::serve`.
    pub serve: fn(&mut UnixStream, &mut AnswersFile<'_>) -> io::Result<()>,
    /// Step 4: `Ring::try_send`, of a ring that is made for it.
    pub try_send: fn(&Mapping, &[u8]) -> io::Result<bool>,
    /// Step 4: `Ring::try_recv`, of a ring that is made for it.
    pub try_recv: fn(&Mapping) -> Received,
    /// Step 5: `sleeping::send`.
    pub send: fn(&Mapping, &[u8], &Peer) -> io::Result<()>,
    /// Step 5: `sleeping::recv`.
    pub recv: fn(&Mapping, &Peer) -> io::Result<Vec<u8>>,
}

/// A worker of step 2.
pub trait StartedWorker {
    /// `Worker::call`.
    ///
    /// # Errors
    /// Those of the exercise.
    fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>>;

    /// `Worker::stop`.
    ///
    /// # Errors
    /// Those of the exercise.
    fn stop(self: Box<Self>) -> io::Result<()>;
}

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "ipc",
            steps: &[
                checks::step!(framing, start_python),
                checks::step!(worker),
                checks::step!(descriptor),
                checks::step!(ring),
                checks::step!(sleeping),
            ],
        },
        learner,
    )
}

/// An error as a test compares it: its kind.
fn kind(error: &io::Error) -> String {
    format!("{:?}", error.kind())
}

/// As [`kind`], and the kernel's own number, if it is the kernel's error.
fn kind_and_number(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("{}, error number {number}", kind(error)),
        None => kind(error),
    }
}

/// Adler-32, as Python's `zlib.adler32`.
fn checksum(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    for chunk in bytes.chunks(2048) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    b << 16 | a
}

/// Bytes that look random, the same for the same numbers.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed ^ len as u64);
    let mut bytes = vec![0; len];
    random.fill(&mut bytes);
    bytes
}
