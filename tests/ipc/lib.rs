//! The tests of the chapter "IPC: say it across the wall": the judge's side, which knows nothing of the learner's crate.

pub mod framing;

use checks::Chapter;
use std::process::ExitCode;

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `framing::answer`.
    pub answer: fn(u64) -> u64,
}

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "ipc",
            steps: &[checks::step!(framing)],
        },
        learner,
    )
}
