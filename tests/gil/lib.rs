//! The tests of the chapter "The GIL": the judge's side, which knows nothing of the learner's crate.

pub mod allow_threads;
pub mod around;
mod cast;
pub mod io_first;
pub mod lock;
pub mod machine;
mod plan;
mod runs;
pub mod switching;

use checks::Chapter;
use os_core::sync::Arc;
use os_core::time::Duration;
use serde::{Deserialize, Serialize};
use std::io;
use std::process::ExitCode;

/// Exclusive use of a lock; dropping it releases the lock.
pub trait Guard {}

/// The variables of a machine.
pub type Variables = Vec<i64>;

/// Step 1: `lock::Lock`.
pub trait Lock: Send + Sync {
    /// `Lock::acquire`.
    fn acquire(&self) -> Box<dyn Guard + '_>;
}

/// The guards of steps 2, 3 and the bonus.
pub trait Holder {
    /// `safe_point`.
    fn safe_point(&mut self) -> bool;
    /// `allow_threads`.
    fn allow_threads(&mut self, work: &mut dyn FnMut() -> u64) -> u64;
}

/// Steps 2 and 3: `switching::Gil`; the bonus: `io_first::IoFirst`.
pub trait Gil: Send + Sync {
    /// `acquire`.
    fn acquire(&self) -> Box<dyn Holder + '_>;
}

/// Step 5: `around::List`.
pub trait List: Send + Sync {
    /// `List::append`.
    fn append(&self, item: i64) -> bool;
    /// `List::items`.
    fn items(&self) -> Vec<i64>;
}

/// An instruction of the machine: see `machine::Instruction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Instruction {
    Const(i64),
    Load(usize),
    Add,
    Store(usize),
    Call,
    Wait(Duration),
}

/// See `machine::Program`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The instructions of the loop.
    pub body: Vec<Instruction>,
    /// How many times it runs.
    pub times: u64,
}

/// See `machine::Settings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The switch interval.
    pub interval: Duration,
    /// How long an instruction takes.
    pub cost: Duration,
    /// `SafePoints::EveryInstruction`, or else `CallsAndJumps`.
    pub everywhere: bool,
    /// How many variables there are.
    pub variables: usize,
}

/// See `machine::Executed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    /// The thread.
    pub thread: usize,
    /// When it was done.
    pub at: Duration,
    /// What was executed.
    pub instruction: Instruction,
}

/// See `machine::Report`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The variables at the end.
    pub variables: Vec<i64>,
    /// The trace.
    pub trace: Vec<Executed>,
}

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `lock::Lock::new`.
    pub lock: fn() -> Arc<dyn Lock>,
    /// Steps 2 and 3: `switching::Gil::new`.
    pub gil: fn(Duration) -> Arc<dyn Gil>,
    /// Step 4: `machine::increment`.
    pub increment: fn(usize) -> Vec<Instruction>,
    /// Step 4: `machine::run`.
    pub run: fn(&[Program], Settings) -> Report,
    /// Step 5: `around::run_in_processes`.
    pub run_in_processes: fn(&[Program], Settings) -> io::Result<Vec<Variables>>,
    /// Step 5: `around::List::with_capacity`.
    pub list: fn(usize) -> Arc<dyn List>,
    /// Bonus: `io_first::IoFirst::new`.
    pub io_first: fn(Duration) -> Arc<dyn Gil>,
}

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "gil",
            steps: &[
                checks::step!(lock),
                checks::step!(switching),
                checks::step!(allow_threads),
                checks::step!(machine),
                checks::step!(around),
                checks::step!(io_first),
            ],
        },
        learner,
    )
}
