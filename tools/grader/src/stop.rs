//! A flag that ends whatever the grader is doing: set by Ctrl-C, by `watch` on a save, or by a test.

pub use supervise::Stop;
