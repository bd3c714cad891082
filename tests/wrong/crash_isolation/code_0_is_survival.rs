//! Wrong: takes exit code 0 for the survival of the bystander
//! Changes: crash_matrix
//! Fails: crash_matrix::an_exit_with_code_0_is_no_survival
//! Section: crash_isolation/exercise.md#who-says-that-it-survived

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
        bystander_survived: child.status == 0,
    })
}
