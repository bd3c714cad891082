//! The tests of the chapter "The GIL: one at a time": the judge's side, which knows nothing of the learner's crate.

pub mod lock;

use checks::Chapter;
use std::process::ExitCode;

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `lock::answer`.
    pub answer: fn(u64) -> u64,
}

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "gil",
            steps: &[checks::step!(lock)],
        },
        learner,
    )
}
