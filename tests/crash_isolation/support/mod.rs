//! What the tests of several steps need, or what would hide the tests among machinery.

pub mod clock;
pub mod lives;
pub mod middle;
pub mod scenes;
