//! Step 3: restart what crashes, but not forever.

use crate::outcome::Outcome;
use os::process::{self, Child};
use os::time::Clock;
use std::io;
use std::time::Duration;

/// When to restart a service, and when to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long to wait after the first crash.
    pub first_delay: Duration,
    /// The longest wait.
    pub max_delay: Duration,
    /// How many crashes of one service within `window` are tolerated.
    pub limit: usize,
    /// How long a crash counts.
    pub window: Duration,
}

/// What to do about a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Restart the service after this delay.
    RestartAfter(Duration),
    /// It has crashed too often.
    GiveUp,
}

/// The crashes of one service.
#[derive(Clone, Debug)]
pub struct Restarts {
    policy: Policy,
    /// When the crashes happened that still count.
    crashes: Vec<Duration>,
}

impl Restarts {
    /// Makes the history of a service that hasn't crashed yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            crashes: Vec::new(),
        }
    }

    /// Records a crash at `now`, and decides what to do about it. `now` never goes back.
    ///
    /// A crash counts for the time `window`: one that is exactly that old, or older, no longer counts. If more than
    /// `limit` crashes count, this one included, it's time to give up. Otherwise the delay is `first_delay` if this crash is
    /// the only one that counts, twice as much if two count, four times as much if three do, and so on, but never more than
    /// `max_delay`.
    ///
    /// ```text
    /// first_delay 1 s, max_delay 60 s, limit 3, window 10 s
    /// crash at 0 s: restart after 1 s      crash at 4 s: restart after 4 s
    /// crash at 2 s: restart after 2 s      crash at 5 s: give up
    /// ```
    pub fn after_crash(&mut self, now: Duration) -> Decision {
        let Policy {
            first_delay,
            max_delay,
            limit,
            window,
        } = self.policy;
        self.crashes
            .retain(|crash| now.saturating_sub(*crash) < window);
        self.crashes.push(now);
        let count = self.crashes.len();
        if count > limit {
            return Decision::GiveUp;
        }
        let mut delay = first_delay.min(max_delay);
        for _ in 1..count {
            delay = delay.saturating_mul(2).min(max_delay);
        }
        Decision::RestartAfter(delay)
    }
}

/// Something to keep running: each start runs it in a child of its own, from the beginning.
pub type Service<'a> = &'a dyn Fn() -> io::Result<()>;

/// How a supervisor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every service ended with exit code 0.
    AllDone,
    /// A service crashed too often.
    GaveUp {
        /// Its place in `services`.
        service: usize,
        /// How it ended the last time.
        last: Outcome,
    },
}

/// Runs each service in a child, all at the same time, and restarts those that crash.
///
/// A service that ends with exit code 0 is done. Any other end is a crash, and each service has its own [`Restarts`]: the
/// supervisor restarts it after the delay and meanwhile looks after the others. Once all services are done, the verdict is
/// [`Verdict::AllDone`], at once if there are none.
///
/// When it's time to give up on one service, the supervisor kills those that still run, restarts no service from then
/// on, and returns [`Verdict::GaveUp`]. When the function returns, even with an error, no child is left, running or as
/// a zombie. Even if the supervisor itself is killed, by SIGKILL, no service outlives it.
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
    let ended = end_all(supervised);
    let verdict = verdict?;
    ended.map(|()| verdict)
}

struct Supervised<'a> {
    service: Service<'a>,
    restarts: Restarts,
    state: State,
}

enum State {
    /// To be started at this time.
    Due(Duration),
    Running(Child<()>),
    Done,
}

fn start(service: Service<'_>) -> io::Result<Child<()>> {
    process::fork(|| {
        process::die_with_parent()?; // the supervisor may be killed, and then can't clean up
        service()
    })
}

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

/// Kills and reaps all that still run.
fn end_all(supervised: Vec<Supervised<'_>>) -> io::Result<()> {
    let mut outcome = Ok(());
    for one in supervised {
        if let State::Running(child) = one.state {
            let killed = child.kill();
            outcome = outcome.and(killed).and(child.finish().map(drop));
        }
    }
    outcome
}
