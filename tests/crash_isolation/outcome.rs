//! Step 1: outcome.

use crate::Learner;
use checks::{explain, random};

checks::subject! {
    for Learner;

    /// The answers to these inputs, one after the other in one process.
    fn answer(learner, inputs: Vec<u64>) -> Vec<u64> {
        inputs.into_iter().map(|n| (learner.answer)(n)).collect()
    }
}

// TODO: At least three tests: zero, one, many, too many, an error; each twice in one process; nothing left behind.
/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![the_answer_is_the_next_number];

fn the_answer_is_the_next_number() {
    explain(
        "crash_isolation/exercise.md#step-1-outcome",
        "TODO: what it means when this fails",
    );
    let n = random().u64(1..1_000_000);
    assert_eq!(answer(&vec![n, n]), [n + 1, n + 1], "for {n}, asked twice");
}
