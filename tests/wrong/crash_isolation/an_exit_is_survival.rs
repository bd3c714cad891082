//! Wrong: takes every exit for survival: only signals kill
//! Changes: crash_matrix
//! Fails: crash_matrix::an_exit_in_a_thread_ends_the_bystander
//! Section: crash_isolation/exercise.md#two-places-to-crash

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let child = fork(|| {
        let crashed = thread::spawn(move || crash.now()).join();
        // Only a bystander that is still there gets here. A panic is an error of the join, and no reason to end.
        drop(crashed);
        Ok(())
    })?
    .finish()?;
    Ok(Fate {
        process: Outcome::from_status(child.status),
        bystander_survived: child.status & 0x7f == 0,
    })
}
