//! Wrong: returns at once when a service can't be started, or the clock fails
//! Changes: supervisor
//! Fails: supervisor::a_fork_that_fails_is_an_error
//! Section: crash_isolation/exercise.md#nobody-is-left

pub fn supervise(
    services: &[Service<'_>],
    policy: Policy,
    clock: &mut dyn Clock,
) -> io::Result<Verdict> {
    let mut supervised: Vec<Supervised<'_>> = services
        .iter()
        .map(|service| Supervised {
            service: *service,
            restarts: Restarts::new(policy),
            state: State::Due(Duration::ZERO),
        })
        .collect();
    let verdict = run(&mut supervised, clock);
    // Whatever came of it: nobody is left, and every wait is made, also after one that failed.
    let verdict = verdict?;
    end_all(supervised).map(|()| verdict)
}
