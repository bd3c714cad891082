//! Clocks that can wait for processes.

pub use crate::clock::{Clock, SystemClock};
