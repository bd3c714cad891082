//! Wrong: crashes in a second process where a thread was asked for
//! Changes: crash_matrix
//! Fails: crash_matrix::a_signal_in_a_thread_kills_the_bystander
//! Section: crash_isolation/exercise.md#two-places-to-crash

use crate::outcome::Outcome;
use os::process::{Crash, fork};
use std::io;

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let child = fork(|| {
        let crashed = fork(|| -> io::Result<()> { crash.now() })?.finish()?;
        // Only a bystander that is still there gets here. A panic is an error of the join, and no reason to end.
        drop(crashed);
        Ok(())
    })?
    .finish()?;
    Ok(Fate {
        process: Outcome::from_status(child.status),
        bystander_survived: child.returned.is_some(),
    })
}
