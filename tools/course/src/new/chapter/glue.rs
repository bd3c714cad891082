//! The subject's side of the tests in `tests/@SLUG@/`: hands them the functions of the exercise.
//!
//! Only this file is compiled when you edit your code.

use @SLUG@::@STEP@;
use @SLUG@_tests::Learner;
use std::process::ExitCode;

fn main() -> ExitCode {
    @SLUG@_tests::run(Learner {
        answer: @STEP@::answer,
    })
}
