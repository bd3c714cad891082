//! Judge and subject: the tests of the book, and why they can't be fooled.
//!
//! A learner's code can crash, hang, exit or lie, so it never runs in the process that decides:
//!
//! - the **judge** holds the inputs, the expected values and the assertions;
//! - the **subject** is another process. It runs the learner's code on an input and sends back what it returned.
//!
//! The tests of a chapter are a package of their own, `tests/<slug>/`, which doesn't depend on the learner's crate: an edit
//! there compiles no test again. What it needs from the learner is a struct of function pointers, one for each function of
//! the exercise. `tests/<slug>.rs` fills it in and calls [`run`].
//!
//! ```
//! #[derive(Clone, Copy)]
//! pub struct Learner {
//!     pub count: fn(u64, u64) -> u64,
//! }
//!
//! mod lost_updates {
//!     use super::Learner;
//!
//!     checks::subject! {
//!         for Learner;
//!         fn count(learner, threads: u64, additions: u64) -> u64 { (learner.count)(threads, additions) }
//!     }
//!
//!     // The most telling test first: a failing step shows the first one that fails.
//!     pub const TESTS: &[checks::Test] = checks::tests![no_update_is_lost];
//!
//!     fn no_update_is_lost() {
//!         checks::explain("memory.md#two-additions-one-lost", "A load and a store are two steps.");
//!         let mut random = checks::random();
//!         let (threads, additions) = (random.u64(1..4), random.u64(1..1000));
//!         assert_eq!(count(&threads, &additions), threads * additions); // runs in a process of its own
//!     }
//! }
//!
//! pub const CHAPTER: checks::Chapter<Learner> = checks::Chapter {
//!     slug: "memory",
//!     steps: &[checks::step!(lost_updates)],
//! };
//! # fn main() {} // keeps the example at the crate's root, where `super` is
//! ```
//!
//! In a plain `cargo test` the subject is the test binary started again. In grading, `CHECKS_SUBJECT` names another one,
//! made from a submission; the judge is then linked with the reference solution and never with the submission.
//!
//! | environment variable | meaning |
//! |---|---|
//! | `CHECKS_SUBJECT` | path of the test binary that runs as subject; otherwise the judge's own |
//! | `CHECKS_CONTAINED` | set when `CHECKS_SUBJECT` starts the subject in a sandbox of its own; `pid` if that has a PID namespace |
//! | `CHECKS_SEED` | replays the random inputs of a failure |
//! | `CHECKS_REPORT` | file to which one JSON line is appended for each test: a [`wire::status::Report`] |
//! | `CHECKS_SAVE_SCHEDULES` | with `no`, a failing model run neither saves its schedule nor names a file |
//! | `CHECKS_PYTHON` | the CPython that plays the peer; otherwise `python3` |
//! | `COURSE_REQUIRE` | comma-separated; with `python` in it a missing Python is a failure, not a skip |

mod account;
mod failure;
mod harness;
mod judge;
mod model;
mod python;
mod random;
mod snapshot;
mod subject;

pub use account::{Events, Observations, Schedules, SelfReported, observed};
pub use failure::{explain, infrastructure, unusable};
pub use harness::{Chapter, Step, Test, run};
pub use judge::{Call, unused_name};
pub use model::{Explored, Replay, explore, explore_schedules, replay};
pub use os_core::model::Turn;
pub use python::{Peer, Python, find_python, linux, python};
pub use random::random;
pub use subject::{Entry, panics_with, recv, send};
pub use subject::{faults, interrupts, ledger, leftovers, outside, processes, rival};
pub use wire::schedule;

#[doc(hidden)]
pub mod private {
    //! What the macros expand to.
    pub use crate::judge::start;
    pub use crate::snapshot::compare;
    pub use crate::subject::serve_entry;
}

/// Declares functions that run in a process of their own.
///
/// `fn name(learner, a: A, b: B) -> R { … }` becomes `fn name(a: &A, b: &B) -> R`. It starts a subject, which runs the body on
/// copies of the arguments, and returns what the body returned. `learner` is the struct of the learner's functions.
/// `name::start(&a, &b)` starts the subject without waiting: see [`Call`]. Arguments and result travel as JSON.
///
/// `fn name(learner, a: A) -> R as theirs { … }` calls it `theirs` in failures: a learner knows only names of their own.
///
/// The body runs in a process with one thread, so it may fork.
#[macro_export]
macro_rules! subject {
    (for $learner_type:ty; $($(#[$attribute:meta])* fn $name:ident($learner:ident $(, $arg:ident: $ty:ty)* $(,)?) -> $ret:ty $(as $shown:ident)? $body:block)+) => {
        /// What a subject can be asked to run for this step.
        pub const ENTRIES: &[$crate::Entry<$learner_type>] = &[$(
            $crate::Entry {
                name: concat!(module_path!(), "::", stringify!($name)),
                serve: |$learner: $learner_type, input| {
                    $crate::private::serve_entry(input, |($($arg,)*): ($($ty,)*)| -> $ret { $body })
                },
            },
        )+];

        $(
            mod $name {
                #[allow(unused_imports)]
                use super::*;

                /// What a learner calls it.
                const SHOWN: &str = [$(stringify!($shown),)? stringify!($name)][0];

                /// Starts the subject and doesn't wait.
                #[allow(dead_code)]
                pub(super) fn start($($arg: &$ty),*) -> $crate::Call<$ret> {
                    $crate::private::start(module_path!(), SHOWN, &($($arg,)*))
                }
            }

            $(#[$attribute])*
            #[allow(dead_code)]
            fn $name($($arg: &$ty),*) -> $ret {
                $name::start($($arg),*).finish()
            }
        )+
    };
}

/// Lists test functions by name, the most telling first. A function that no list names is an unused function, and rustc says so.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        &[$($crate::Test { name: stringify!($name), run: $name }),*]
    };
}

/// A step from the module of its name, which declares `ENTRIES` (by [`subject!`]) and `TESTS` (by [`tests!`]).
///
/// `step!(module, prepare)` names a function of the module that is begun in the background: see [`Step::prepare`].
/// `step!(module, linux = "why")` skips its tests elsewhere: see [`Step::linux`].
#[macro_export]
macro_rules! step {
    ($module:ident) => {
        $crate::Step {
            name: stringify!($module),
            entries: $module::ENTRIES,
            tests: $module::TESTS,
            prepare: None,
            linux: None,
        }
    };
    ($module:ident, linux = $why:expr) => {
        $crate::Step {
            linux: Some($why),
            ..$crate::step!($module)
        }
    };
    ($module:ident, $prepare:ident) => {
        $crate::Step {
            prepare: Some($module::$prepare),
            ..$crate::step!($module)
        }
    };
}

/// Compares a text with the insta snapshot `<crate>__<name>` in `tests/snapshots/`.
#[macro_export]
macro_rules! snapshot {
    ($slug:literal, $name:literal, $value:expr) => {
        $crate::private::compare(
            concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"),
            concat!($slug, "__", $name),
            &$value,
        )
    };
}
