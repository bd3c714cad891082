//! Step 3's stage: services whose lives are scripted, and what the specification makes of them.

use crate::support::clock::{How, Script, Stage, Start, VirtualClock};
use crate::{Learner, Outcome, Policy, Service, Verdict};
use checks::faults::{self, Fault};
use checks::leftovers::{self, Leftovers};
use checks::{SelfReported, observed};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One call of `supervise`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Case {
    pub script: Script,
    pub policy: Option<Policy>,
    /// What the clock shows at first.
    pub begin: Duration,
    pub faults: Vec<Fault>,
    /// The wait at which the clock fails.
    pub failing: Option<usize>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    pub verdict: Result<Verdict, String>,
    /// Each start, as the clock saw it.
    pub starts: SelfReported<Vec<Start>>,
    /// How often each service began, by its own account.
    pub began: SelfReported<Vec<u64>>,
    pub left: Leftovers,
}

/// Delays of 1 s, 2 s, …, at most an hour; ten crashes a day.
pub const PATIENT: Policy = Policy {
    first_delay: seconds(1),
    max_delay: seconds(3600),
    limit: 10,
    window: seconds(86_400),
};

pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn millis(delay: u64, limit: usize) -> Policy {
    Policy {
        first_delay: Duration::from_millis(delay),
        max_delay: Duration::from_millis(2 * delay),
        limit,
        window: seconds(60),
    }
}

/// The rule of `Restarts`, as the specification has it.
pub struct Model {
    pub policy: Policy,
    pub crashes: Vec<Duration>,
}

impl Model {
    pub fn after_crash(&mut self, now: Duration) -> Option<Duration> {
        self.crashes.push(now);
        let counted = self
            .crashes
            .iter()
            .filter(|crash| now - **crash < self.policy.window);
        // The crash itself counts, even if the window is zero.
        let count = counted.count().max(1);
        if count > self.policy.limit {
            return None;
        }
        let mut delay = self.policy.first_delay.min(self.policy.max_delay);
        for _ in 1..count {
            delay = delay.saturating_mul(2).min(self.policy.max_delay);
        }
        Some(delay)
    }
}

/// When each start is due, and what the verdict is: by the specification.
pub fn expected(case: &Case) -> (Verdict, Vec<Start>) {
    let policy = case.policy.unwrap_or(PATIENT);
    let mut starts = Vec::new();
    let mut given_up: Option<(Duration, usize, How)> = None;
    for (service, lives) in case.script.iter().enumerate() {
        let mut model = Model {
            policy,
            crashes: Vec::new(),
        };
        let mut at = case.begin;
        for life in lives {
            starts.push(Start { service, at });
            let end = at + life.lasts;
            if life.ends.is_good() {
                break;
            }
            match model.after_crash(end) {
                Some(delay) => at = end + delay,
                None => {
                    if given_up.is_none_or(|(time, ..)| end < time) {
                        given_up = Some((end, service, life.ends));
                    }
                    break;
                }
            }
        }
        // After the last life that the script has, a service that crashed runs on and on.
        if lives.last().is_none_or(|last| !last.ends.is_good())
            && given_up.is_none_or(|(_, which, _)| which != service)
        {
            starts.push(Start { service, at });
        }
    }
    let verdict = match given_up {
        None => Verdict::AllDone,
        Some((time, service, how)) => {
            starts.retain(|start| start.at < time);
            Verdict::GaveUp {
                service,
                last: outcome(how),
            }
        }
    };
    starts.sort_by_key(|start| (start.at, start.service));
    (verdict, starts)
}

pub fn outcome(how: How) -> Outcome {
    match how {
        How::Done => Outcome::Exited(0),
        How::Error => Outcome::Exited(1),
        How::Panic => Outcome::Exited(101),
        How::Exit(code) => Outcome::Exited(i32::from(code)),
        How::Abort => Outcome::Killed {
            signal: 6,
            core_dumped: false,
        },
        How::Killed => Outcome::SIGKILL,
        How::Terminated => Outcome::Killed {
            signal: 15,
            core_dumped: false,
        },
    }
}

pub fn run(learner: Learner, case: Case) -> Seen {
    let services = case.script.len();
    let stage = Stage::new(services);
    let mut clock = VirtualClock::new(case.begin, &stage, case.script);
    clock.failing = case.failing;
    let closures: Vec<_> = (0..services)
        .map(|service| {
            let stage = &stage;
            move || stage.serve(service)
        })
        .collect();
    let list: Vec<Service<'_>> = closures
        .iter()
        .map(|closure| closure as Service<'_>)
        .collect();
    faults::reset();
    faults::plan(&case.faults);
    let policy = case.policy.unwrap_or(PATIENT);
    let (verdict, left) = leftovers::watch(|| (learner.supervise)(&list, policy, &mut clock));
    faults::reset();
    Seen {
        verdict: verdict.map_err(|error| error.to_string()),
        starts: observed(clock.starts.clone()),
        began: observed((0..services).map(|service| stage.starts(service)).collect()),
        left,
    }
}
