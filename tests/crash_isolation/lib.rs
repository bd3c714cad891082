//! The tests of the chapter "Crash isolation: who dies with whom?": the judge's side, which knows nothing of the learner's crate.

pub mod outcome;

use checks::Chapter;
use std::process::ExitCode;

/// The functions of the exercise.
#[derive(Clone, Copy)]
pub struct Learner {
    /// Step 1: `outcome::answer`.
    pub answer: fn(u64) -> u64,
}

/// Runs the tests on a learner's functions: the `main` of the test binary.
#[must_use]
pub fn run(learner: Learner) -> ExitCode {
    checks::run(
        &Chapter {
            slug: "crash_isolation",
            steps: &[checks::step!(outcome)],
        },
        learner,
    )
}
