//! Wrong: kills the others and leaves them as zombies
//! Changes: supervisor
//! Fails: supervisor::giving_up_ends_the_other_services
//! Section: crash_isolation/exercise.md#nobody-is-left

fn end_all(supervised: Vec<Supervised<'_>>) -> io::Result<()> {
    let mut outcome = Ok(());
    for one in supervised {
        if let State::Running(child) = one.state {
            let killed = child.kill();
            outcome = outcome.and(killed);
        }
    }
    outcome
}
