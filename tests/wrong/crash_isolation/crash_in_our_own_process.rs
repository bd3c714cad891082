//! Wrong: starts the thread in the process of the caller
//! Changes: crash_matrix
//! Fails: crash_matrix::a_signal_in_a_thread_kills_the_bystander
//! Section: crash_isolation/exercise.md#two-places-to-crash

pub fn crash_in_thread(crash: Crash) -> io::Result<Fate> {
    let crashed: Result<(), _> = thread::spawn(move || crash.now()).join();
    drop(crashed);
    Ok(Fate {
        process: Outcome::Exited(0),
        bystander_survived: true,
    })
}
