//! Right: crashes in a scoped thread of `os`
//! Changes: crash_matrix

use crate::outcome::Outcome;
use os::process::{Crash, fork};
use os::thread;
use std::io;

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let child = fork(|| {
        let crashed = thread::scope(|scope| scope.spawn(|| -> () { crash.now() }).join());
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
