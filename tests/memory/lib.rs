//! The tests of the chapter "Memory": the judge's side, which knows nothing of the learner's crate.

pub mod copy_on_write;
pub mod lost_updates;
pub mod python_block;
pub mod shared_mapping;

use checks::{Chapter, Turn};
use os_core::memory::{Pages, Usage};
use std::io;
use std::process::ExitCode;

/// A write of step 2: a page and the value of its first byte.
pub type Write = (usize, u8);

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `lost_updates::losing_turns`.
    pub losing_turns: fn() -> Vec<Turn>,
    /// Step 1: a new `lost_updates::RacyCounter`.
    pub racy_counter: fn() -> RacyCounter,
    /// Step 1: `lost_updates::sum_in_threads`.
    pub sum_in_threads: fn(Vec<Vec<u64>>) -> u64,
    /// Step 2: `copy_on_write::write_in_child`, as far as the tests know it.
    pub write_in_child: fn(&mut Pages, &[Write]) -> io::Result<Seen>,
    /// Step 3: `shared_mapping::sum_in_processes`.
    pub sum_in_processes: fn(&[Vec<u64>]) -> io::Result<u64>,
    /// Step 4: `python_block::add_to_block`.
    pub add_to_block: fn(&str, &[u64]) -> io::Result<u64>,
    /// Step 4: `python_block::lend_block`, for a borrower that returns a number.
    pub lend_block: fn(&str, u64, &mut dyn FnMut() -> u64) -> io::Result<u64>,
}

/// The given counter of step 1, as the tests use it.
pub struct RacyCounter {
    /// `RacyCounter::add`.
    pub add: Box<dyn Fn(u64) + Send + Sync>,
    /// `RacyCounter::get`.
    pub get: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// What `write_in_child` reported: see `copy_on_write::Seen`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// How the child held the pages before it wrote.
    pub before: Usage,
    /// How the child held the pages after it wrote.
    pub after: Usage,
    /// The first byte of each page in the child, after its writes.
    pub child: Vec<u8>,
    /// The first byte of each page in the parent, after the child has ended.
    pub parent: Vec<u8>,
}

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "memory",
            steps: &[
                checks::step!(lost_updates),
                checks::step!(copy_on_write),
                checks::step!(shared_mapping),
                checks::step!(python_block, start_python),
            ],
        },
        learner,
    )
}

/// Lists of the given lengths, of small numbers drawn at random.
fn lists(lengths: &[usize]) -> Vec<Vec<u64>> {
    let mut random = checks::random();
    lengths
        .iter()
        .map(|length| (0..*length).map(|_| random.u64(1..1000)).collect())
        .collect()
}

/// What steps 1 and 3 have to return for these lists.
fn total(work: &[Vec<u64>]) -> u64 {
    work.iter().flatten().sum()
}
