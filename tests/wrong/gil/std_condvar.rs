//! Wrong: uses the standard library's locks, which the tests can't schedule
//! Changes: switching
//! Fails: switching::the_scheduler_sees_the_lock
//! Section: gil/exercise.md#step-2-switching

use os::time::Duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
