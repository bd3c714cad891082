//! Wrong: forks the bystander and never waits for the second one that it starts to compare
//! Changes: crash_matrix
//! Fails: crash_matrix::nothing_is_left_behind
//! Section: crash_isolation/exercise.md#step-2-the-crash-matrix

pub fn crash_in_process(crash: Crash) -> io::Result<Fate> {
    let compared = fork(|| Ok(()))?;
    drop(compared);
    let bystander = fork(|| {
        let crashed = fork(|| -> io::Result<()> { crash.now() })?.finish()?;
        Ok(crashed.status)
    })?
    .finish()?;
    match bystander.returned {
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
