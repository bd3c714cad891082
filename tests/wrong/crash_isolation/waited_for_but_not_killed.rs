//! Wrong: waits for services that never end
//! Changes: supervisor
//! Fails: supervisor::giving_up_ends_the_other_services
//! Section: crash_isolation/exercise.md#nobody-is-left

fn end_all(supervised: Vec<Supervised<'_>>) -> io::Result<()> {
    let mut outcome = Ok(());
    for one in supervised {
        if let State::Running(child) = one.state {
            outcome = outcome.and(child.finish().map(drop));
        }
    }
    outcome
}
