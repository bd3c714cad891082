//! The judge's side: starts a subject, waits with a deadline, and says how it ended.

mod call;
mod diagnose;
mod process;
mod start;

pub use call::{Call, start};
pub(crate) use start::end;
