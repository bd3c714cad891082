//! Right: catches the panic, takes the lock back, and lets the panic go on
//! Replaces: allow_threads

use crate::switching::GilGuard;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.gil.release();
        let result = catch_unwind(AssertUnwindSafe(work));
        self.gil.take();
        match result {
            Ok(value) => value,
            Err(panic) => resume_unwind(panic),
        }
    }
}
