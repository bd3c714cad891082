//! Right: the bystander writes the status into a pipe
//! Changes: crash_matrix

use crate::outcome::Outcome;
use os::process::{Crash, fork};
use std::io::{self, Read, Write};
use std::thread;

pub fn crash_in_process(crash: Crash) -> io::Result<Fate> {
    let (mut reader, mut writer) = io::pipe()?;
    let bystander = fork(|| {
        let crashed = fork(|| -> io::Result<()> { crash.now() })?.finish()?;
        writer.write_all(&crashed.status.to_le_bytes())
    })?
    .finish()?;
    drop(writer);
    let mut status = [0; 4];
    let returned = reader.read_exact(&mut status).ok();
    match returned.map(|()| i32::from_le_bytes(status)) {
        Some(status) => Ok(Fate {
            process: Outcome::from_status(status),
            bystander_survived: true,
        }),
        // It couldn't fork, or it did not survive.
        None => Err(io::Error::other(format!(
            "the bystander {}",
            Outcome::from_status(bystander.status)
        ))),
    }
}
