//! Wrong: gives up and leaves the others running
//! Changes: supervisor
//! Fails: supervisor::giving_up_ends_the_other_services
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
    drop(supervised);
    verdict
}
