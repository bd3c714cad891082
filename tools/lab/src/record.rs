//! Records: what was measured, on what, with which verdict. The book ships some, the reader takes others.

mod statistics;
mod store;
mod types;

pub use statistics::Measurement;
pub use store::Owner;
pub use types::{Record, Run, SCHEMA};
