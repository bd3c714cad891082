//! Wrong: has no process beside the one that crashes
//! Changes: crash_matrix
//! Fails: crash_matrix::the_crash_happens_in_a_child_of_the_bystander
//! Section: crash_isolation/exercise.md#two-places-to-crash

pub fn crash_in_process(crash: Crash) -> io::Result<Fate> {
    let crashed = fork(|| -> io::Result<()> { crash.now() })?.finish()?;
    Ok(Fate {
        process: Outcome::from_status(crashed.status),
        bystander_survived: true,
    })
}
