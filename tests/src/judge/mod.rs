//! The judge's side: starts a subject, waits with a deadline, and says how it ended.

mod allowance;
mod call;
mod diagnose;
mod names;
mod process;
mod start;

pub use call::{Call, start};
pub(crate) use diagnose::where_it_waits;
pub use names::unused_name;
pub(crate) use start::is_learners_doing;

/// Ends what the judge has started once.
pub(crate) fn end() {
    start::end();
    names::end();
}

/// Keeps the judge's memory from processes of the same user: a submission could otherwise rewrite it through
/// `/proc/<pid>/mem`. A learner's own tests stay debuggable.
pub(crate) fn withhold_memory() {
    #[cfg(target_os = "linux")]
    if std::env::var_os("CHECKS_SUBJECT").is_some() {
        // SAFETY: takes plain numbers.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    }
}
