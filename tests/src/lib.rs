//! Judge and subject: the tests of the book, and why they cannot be fooled.
//!
//! A learner's code can crash, hang, exit or lie, so it never runs in the process that decides:
//!
//! - the **judge** holds the inputs, the expected values and the assertions;
//! - the **subject** is another process that runs the learner's code on an input and sends back what it
//!   returned.
//!
//! ```
//! # fn main() {}
//! # mod memory { pub fn count(threads: u64, additions: u64) -> u64 { threads * additions } }
//! checks::subject! {
//!     fn count(threads: u64, additions: u64) -> u64 { memory::count(threads, additions) }
//! }
//!
//! # #[allow(dead_code)]
//! // #[test]
//! fn no_update_is_lost() {
//!     checks::explain("memory.md#two-additions-one-lost", "A load and a store are two steps.");
//!     let mut random = checks::random();
//!     let (threads, additions) = (random.u64(1..4), random.u64(1..1000));
//!     assert_eq!(count(&threads, &additions), threads * additions); // runs in a process of its own
//! }
//! ```
//!
//! In a plain `cargo test` the subject is the test binary started again. In grading, `CHECKS_SUBJECT`
//! names another test binary, made from the same test file and a submission; the judge is then linked
//! with the reference solution and never with the submission.
//!
//! | environment variable | meaning |
//! |---|---|
//! | `CHECKS_SUBJECT` | path of the test binary that runs as subject; else the judge's own |
//! | `CHECKS_SEED` | replays the random inputs of a failure |
//! | `CHECKS_REPORT` | file to which one JSON line is appended for each test that did not simply pass: see [`Report`] |
//! | `CHECKS_PYTHON` | the CPython that plays the peer; else `python3` |
//! | `COURSE_REQUIRE` | comma list; with `python` in it a missing Python is a failure, not a skip |

mod failure;
mod harness;
mod judge;
mod model;
mod python;
mod random;
mod subject;
mod wire;

pub use failure::{Report, Status, explain};
pub use harness::Counts;
pub use judge::Call;
pub use model::{Explored, explore};
pub use os_core::model::{Replay, Step, Turn, replay};
pub use python::{Peer, Python, linux, python};
pub use random::random;
pub use subject::{counted, failing_fork, hear, hostile, killed_child, tell};

#[doc(hidden)]
pub mod private {
    //! What the macros expand to.
    pub use crate::judge::start;
    pub use crate::subject::enter;
    pub use insta;
}

/// Declares functions that run in a process of their own.
///
/// `fn name(a: A, b: B) -> R { … }` becomes `fn name(a: &A, b: &B) -> R`, which starts a subject, has it
/// run the body on copies of the arguments, and returns what the body returned. `name::start(&a, &b)`
/// starts it without waiting: see [`Call`]. Arguments and result travel as JSON.
///
/// `fn name(a: A) -> R as theirs { … }` calls it `theirs` in failures: a learner knows only names of their own.
///
/// The body runs in a process with one thread, before `main`, so it may fork.
#[macro_export]
macro_rules! subject {
    ($($(#[$attribute:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $(as $shown:ident)? $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            const ENTRY: &str = module_path!();
            /// What a learner calls it.
            const SHOWN: &str = [$(stringify!($shown),)? stringify!($name)][0];

            // Runs before `main`: the subject forks, so it must have one thread, and libtest's `main`
            // starts a second one for the test. The crate `ctor` would do the same, but allows unsafe code
            // where it is expanded, and the exercises' manifests forbid it.
            #[used]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
            static ENTER: extern "C" fn() = enter;

            extern "C" fn enter() {
                $crate::private::enter(ENTRY, |($($arg,)*): ($($ty,)*)| -> $ret { $body });
            }

            /// Starts the subject and does not wait.
            #[allow(dead_code)]
            pub(super) fn start($($arg: &$ty),*) -> $crate::Call<$ret> {
                $crate::private::start(ENTRY, SHOWN, &($($arg,)*))
            }
        }

        $(#[$attribute])*
        #[allow(dead_code)]
        fn $name($($arg: &$ty),*) -> $ret {
            $name::start($($arg),*).finish()
        }
    )+};
}

/// Compares a value with the insta snapshot of this name in `tests/snapshots/`.
#[macro_export]
macro_rules! snapshot {
    ($name:literal, $value:expr) => {{
        let mut settings = $crate::private::insta::Settings::clone_current();
        settings.set_snapshot_path(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/snapshots"
        ));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            $crate::private::insta::assert_snapshot!(
                concat!(env!("CARGO_PKG_NAME"), "__", $name),
                $value
            )
        });
    }};
}
