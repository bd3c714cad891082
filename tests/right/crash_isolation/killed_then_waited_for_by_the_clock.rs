//! Right: kills all that still run, and has the clock wait for their ends
//! Changes: supervisor

/// Runs each service in a child, all at the same time, and restarts those that crash.
///
/// A service that ends with exit code 0 is done. Any other end is a crash, and each service has its own [`Restarts`]: the
/// supervisor restarts it after the delay and meanwhile looks after the others. Once all services are done, the verdict is
/// [`Verdict::AllDone`], at once if there are none.
///
/// When it's time to give up on one service, the supervisor kills those that still run, restarts nobody any more, and returns
/// [`Verdict::GaveUp`]. When the function returns, also with an error, no child is left, running or as a zombie.
/// Even if the supervisor itself is killed, by SIGKILL, no service outlives it.
///
/// All time comes from `clock`, and all waiting is left to it: its time may pass faster than that of the machine.
///
/// # Errors
/// When a child can't be forked, or the clock fails.
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
    let ended = end_all(supervised, clock);
    let verdict = verdict?;
    ended.map(|()| verdict)
}

/// Kills and reaps all that still run.
fn end_all(supervised: Vec<Supervised<'_>>, clock: &mut dyn Clock) -> io::Result<()> {
    let mut running: Vec<Child<()>> = supervised
        .into_iter()
        .filter_map(|one| match one.state {
            State::Running(child) => Some(child),
            _ => None,
        })
        .collect();
    let mut outcome = Ok(());
    for child in &running {
        outcome = outcome.and(child.kill());
    }
    while !running.is_empty() && outcome.is_ok() {
        let all: Vec<&Child<()>> = running.iter().collect();
        match clock.wait_any(&all, None) {
            Ok(places) => {
                for place in places.into_iter().rev() {
                    outcome = outcome.and(running.remove(place).finish().map(drop));
                }
            }
            Err(error) => outcome = Err(error),
        }
    }
    for child in running {
        outcome = outcome.and(child.finish().map(drop));
    }
    outcome
}
