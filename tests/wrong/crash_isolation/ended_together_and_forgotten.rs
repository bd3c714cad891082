//! Wrong: takes out all services that have ended, gives up on one of them, and waits for none of the rest
//! Changes: supervisor
//! Fails: supervisor::giving_up_ends_the_other_services
//! Section: crash_isolation/exercise.md#nobody-is-left

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
        let places: Vec<usize> = ended.into_iter().map(|index| places[index]).collect();
        let mut dead = Vec::new();
        for place in places {
            if let State::Running(child) =
                std::mem::replace(&mut supervised[place].state, State::Done)
            {
                dead.push((place, child));
            }
        }
        for (place, child) in dead {
            let one = &mut supervised[place];
            let last = Outcome::from_status(child.finish()?.status);
            if last == Outcome::Exited(0) {
                continue;
            }
            let now = clock.now();
            match one.restarts.after_crash(now) {
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
