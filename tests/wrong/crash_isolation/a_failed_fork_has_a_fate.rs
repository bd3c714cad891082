//! Wrong: takes a bystander that could not fork for one that died
//! Changes: crash_matrix
//! Fails: crash_matrix::a_fork_that_fails_is_an_error
//! Section: crash_isolation/exercise.md#step-2-the-crash-matrix

pub fn crash_in_process(crash: Crash) -> io::Result<Fate> {
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
        None => Ok(Fate {
            process: Outcome::from_status(bystander.status),
            bystander_survived: false,
        }),
    }
}
