//! Wrong: says how the bystander ended, not the process that crashed
//! Changes: crash_matrix
//! Fails: crash_matrix::the_end_of_a_crashed_process_is_told
//! Section: crash_isolation/exercise.md#two-places-to-crash

pub fn crash_in_process(crash: Crash) -> io::Result<Fate> {
    let bystander = fork(|| {
        let crashed = fork(|| -> io::Result<()> { crash.now() })?.finish()?;
        Ok(crashed.status)
    })?
    .finish()?;
    match bystander.returned {
        Some(_) => Ok(Fate {
            process: Outcome::from_status(bystander.status),
            bystander_survived: true,
        }),
        // It couldn't fork, or it did not survive.
        None => Err(io::Error::other(format!(
            "the bystander {}",
            Outcome::from_status(bystander.status)
        ))),
    }
}
