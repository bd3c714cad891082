//! Wrong: has a bound of its own on the restarts, whatever the policy says
//! Changes: supervisor
//! Fails: supervisor::a_restart_comes_after_its_delay
//! Section: crash_isolation/exercise.md#back-off

fn run(supervised: &mut [Supervised<'_>], clock: &mut dyn Clock) -> io::Result<Verdict> {
    loop {
        let now = clock.now();
        for one in &mut *supervised {
            if matches!(one.state, State::Due(time) if time <= now) {
                one.state = State::Running(start(one.service)?);
            }
        }
        let mut places = Vec::new();
        let mut children = Vec::new();
        let mut next = None;
        for (place, one) in supervised.iter().enumerate() {
            match &one.state {
                State::Running(child) => {
                    places.push(place);
                    children.push(child);
                }
                State::Due(time) => next = Some(next.map_or(*time, |next| (*time).min(next))),
                State::Done => {}
            }
        }
        if children.is_empty() && next.is_none() {
            return Ok(Verdict::AllDone);
        }
        let ended = clock.wait_any(&children, next)?;
        for place in ended.into_iter().map(|index| places[index]) {
            let one = &mut supervised[place];
            let State::Running(child) = std::mem::replace(&mut one.state, State::Done) else {
                continue;
            };
            let last = Outcome::from_status(child.finish()?.status);
            if last == Outcome::Exited(0) {
                continue;
            }
            let now = clock.now();
            match one.restarts.after_crash(now) {
                // "Eight times is enough."
                Decision::RestartAfter(_) if one.restarts.crashes.len() > 8 => {}
                Decision::RestartAfter(delay) => {
                    one.state = State::Due(now.saturating_add(delay));
                }
                Decision::GiveUp => {
                    return Ok(Verdict::GaveUp {
                        service: place,
                        last,
                    });
                }
            }
        }
    }
}
