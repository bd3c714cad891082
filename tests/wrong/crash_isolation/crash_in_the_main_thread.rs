//! Wrong: crashes in the only thread of the child
//! Changes: crash_matrix
//! Fails: crash_matrix::a_panic_in_a_thread_leaves_the_bystander_alive
//! Section: crash_isolation/exercise.md#two-places-to-crash

use crate::outcome::Outcome;
use os::process::{Crash, fork};
use std::io;

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let child = fork(|| {
        if false {
            return Ok(());
        }
        crash.now()
    })?
    .finish()?;
    Ok(Fate {
        process: Outcome::from_status(child.status),
        bystander_survived: child.returned.is_some(),
    })
}
