//! Wrong: unwraps the join: the panic of the other thread becomes one of the bystander
//! Changes: crash_matrix
//! Fails: crash_matrix::a_panic_in_a_thread_leaves_the_bystander_alive
//! Section: crash_isolation/exercise.md#two-places-to-crash

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let child = fork(|| {
        let crashed: Result<(), _> = thread::spawn(move || crash.now()).join();
        // Only a bystander that is still there gets here. A panic is an error of the join, and no reason to end.
        crashed.unwrap();
        Ok(())
    })?
    .finish()?;
    Ok(Fate {
        process: Outcome::from_status(child.status),
        bystander_survived: child.returned.is_some(),
    })
}
