//! Wrong: uses the standard library's lock, which the tests can't schedule
//! Changes: lock
//! Fails: lock::the_scheduler_sees_the_lock
//! Section: gil/exercise.md#step-1-a-lock-with-a-guard

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
