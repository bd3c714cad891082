//! Right: the bystander leaves its word in a shared mapping
//! Changes: crash_matrix

use crate::outcome::Outcome;
use os::memory::{Mapping, Ordering};
use os::process::{Crash, fork};
use std::io;
use std::thread;

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let mapping = Mapping::shared(1)?;
    let child = fork(|| {
        let crashed = thread::spawn(move || crash.now()).join();
        // Only a bystander that is still there gets here. A panic is an error of the join, and no reason to end.
        drop(crashed);
        mapping.word(0).store(1, Ordering::SeqCst);
        Ok(())
    })?
    .finish()?;
    Ok(Fate {
        process: Outcome::from_status(child.status),
        bystander_survived: mapping.word(0).load(Ordering::SeqCst) == 1,
    })
}
