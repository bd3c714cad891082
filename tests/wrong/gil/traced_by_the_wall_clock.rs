//! Wrong: takes the time from the kernel, not from the clock of `os::time`
//! Changes: machine
//! Fails: machine::every_instruction_is_traced_when_it_is_done
//! Section: gil/exercise.md#a-trace-by-the-machines-clock

use crate::switching::Gil;
use os::sync::{AtomicI64, Mutex, Ordering, PoisonError};
use os::thread;
use os::time::Duration;
use std::time::Instant;
