//! Moments of a run, and clocks that can wait for processes.

pub use crate::clock::{Clock, SystemClock};
#[cfg(feature = "model")]
pub use crate::instant::Instant;
pub use std::time::Duration;
