//! Step 3: restart what crashes, but not forever.

use crate::support::clock::{How, Life, Script, Start};
use crate::support::lives::{Case, Model, PATIENT, Seen, expected, millis, run, seconds};
use crate::support::middle;
use crate::{Learner, Policy, Service, Verdict};
use checks::faults::{Fault, Operation};
use checks::leftovers::{self, Leftovers};
use checks::random;
use checks::{SelfReported, explain, observed};
use os_core::process::Crash;
use os_core::time::SystemClock;
use std::io::{self, Write};
use std::time::Duration;

checks::subject! {
    for Learner;

    /// The decisions for each history.
    fn after_crash(learner, histories: Vec<(Policy, Vec<Duration>)>) -> Vec<Vec<Option<Duration>>> {
        let decide = |(policy, times): (Policy, Vec<Duration>)| (learner.after_crashes)(policy, &times);
        histories.into_iter().map(decide).collect()
    }

    /// Several calls, one after the other, in one process.
    fn supervise(learner, cases: Vec<Case>) -> Vec<Seen> {
        cases.into_iter().map(|case| run(learner, case)).collect()
    }

    /// On the machine's own clock: a service that crashes twice and then ends, beside one that ends at once.
    fn supervise_for_real(learner) -> (Result<Verdict, String>, SelfReported<u64>, Leftovers) as supervise {
        let starts = os_core::memory::Mapping::shared(1).expect("memory can be mapped");
        let starts = starts.word(0);
        let crashing = || match starts.fetch_add(1, os_core::memory::Ordering::SeqCst) {
            0 => Crash::Kill.now(),
            1 => Err(io::Error::other("it failed on purpose")),
            _ => Ok(()),
        };
        let (verdict, left) = leftovers::watch(|| {
            let services: [Service<'_>; 2] = [&crashing, &|| Ok(())];
            (learner.supervise)(&services, millis(1, 5), &mut SystemClock::new())
        });
        let starts = starts.load(os_core::memory::Ordering::SeqCst);
        (verdict.map_err(|error| error.to_string()), observed(starts), left)
    }

    /// The supervisor is killed once every service has run for the `runs`-th time; returns how many services live on.
    fn supervise_and_be_killed(learner, services: usize, runs: usize) -> SelfReported<(usize, usize)> as supervise {
        // In this process, too: a panic in a child is only a crash of somebody.
        let _ = (learner.supervise)(&[], PATIENT, &mut SystemClock::new());
        let stage = os_core::memory::Mapping::shared(2 * services).expect("memory can be mapped");
        let (mut announced, announce) = io::pipe().expect("a pipe");
        let (forever, _held) = io::pipe().expect("a pipe");
        let service = |place: usize| {
            use os_core::memory::Ordering::SeqCst;
            let run = stage.word(place).fetch_add(1, SeqCst) + 1;
            if run < runs as u64 {
                return Err(io::Error::other("it failed on purpose"));
            }
            stage.word(services + place).store(u64::from(std::process::id()), SeqCst);
            (&announce).write_all(b"!")?;
            middle::announced(&mut forever.try_clone()?, 1)?; // nobody writes
            Ok(())
        };
        let supervisor = middle::child(|| {
            let closures: Vec<_> = (0..services).map(|place| move || service(place)).collect();
            let services: Vec<Service<'_>> = closures.iter().map(|closure| closure as Service<'_>).collect();
            let verdict = (learner.supervise)(&services, millis(1, 100), &mut SystemClock::new())?;
            Ok(format!("{verdict:?}"))
        });
        drop(announce);
        let began = middle::announced(&mut announced, services).expect("the pipe can be read");
        let pids = (0..began).map(|place| {
            let pid = stage.word(services + place).load(os_core::memory::Ordering::SeqCst);
            u32::try_from(pid).expect("a process id")
        });
        let handles = match began == services {
            true => middle::handles(pids),
            false => Vec::new(),
        };
        supervisor.kill().expect("it can be killed");
        supervisor.finish().expect("it ends");
        observed((began, middle::survivors(&handles)))
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    the_delay_doubles_with_each_crash,
    no_delay_exceeds_the_maximum,
    more_crashes_than_the_limit_are_too_many,
    a_crash_counts_for_the_window_and_no_longer,
    a_service_that_crashes_now_and_then_goes_on_for_ever,
    every_history_is_decided_as_specified,
    without_services_all_are_done,
    services_that_end_well_are_done,
    a_service_that_crashes_is_restarted,
    all_services_run_at_the_same_time,
    a_restart_comes_after_its_delay,
    the_others_are_looked_after_during_a_delay,
    every_service_has_its_own_history,
    the_window_passes_on_the_clock,
    a_service_that_crashes_too_often_is_given_up,
    giving_up_ends_the_other_services,
    giving_up_cancels_restarts,
    many_services_are_supervised,
    no_child_outlives_the_call,
    a_killed_supervisor_leaves_no_orphans,
    it_works_on_the_machines_clock,
    a_fork_that_fails_is_an_error,
    a_clock_that_fails_is_an_error,
];

fn life(lasts: u64, ends: How) -> Life {
    Life {
        lasts: seconds(lasts),
        ends,
    }
}

fn decisions(policy: Policy, times: &[Duration]) -> Vec<Option<Duration>> {
    let mut model = Model {
        policy,
        crashes: Vec::new(),
    };
    times.iter().map(|now| model.after_crash(*now)).collect()
}

/// Asks for the decisions of one history, after another one in the same process.
fn assert_decisions(policy: Policy, times: &[Duration]) {
    let other = (PATIENT, vec![seconds(1), seconds(2)]);
    let yours = after_crash(&vec![other, (policy, times.to_vec())]).remove(1);
    let expected = decisions(policy, times);
    for (number, (yours, expected)) in (1..).zip(yours.iter().zip(&expected)) {
        assert_eq!(
            in_words(*yours),
            in_words(*expected),
            "the decision about crash {number}, of crashes at {times:?}, with {policy:?}"
        );
    }
    assert_eq!(yours.len(), expected.len(), "the number of decisions");
}

fn in_words(decision: Option<Duration>) -> String {
    decision.map_or("GiveUp".into(), |delay| format!("RestartAfter({delay:?})"))
}

fn the_delay_doubles_with_each_crash() {
    explain(
        "crash_isolation/exercise.md#back-off",
        "The first crash costs `first_delay`, each further one within the window twice as much as the one before.",
    );
    let mut random = random();
    let first_delay = Duration::new(random.u64(2..50), random.u32(1..1_000_000_000));
    let policy = Policy {
        first_delay,
        ..PATIENT
    };
    assert_decisions(policy, &[3, 4, 5, 6, 900].map(seconds));
}

fn no_delay_exceeds_the_maximum() {
    explain(
        "crash_isolation/exercise.md#back-off",
        "A delay that doubles forever soon lasts longer than anybody's patience, and then longer than any number can say.",
    );
    let policy = Policy {
        max_delay: seconds(5),
        limit: 200,
        ..PATIENT
    };
    assert_decisions(policy, &[1, 2, 3, 4, 5].map(seconds));
    explain(
        "crash_isolation/exercise.md#back-off",
        "After 64 crashes 2 to the power of their number fits into no integer: the delay is `max_delay` all the same.",
    );
    let many: Vec<Duration> = (0..150).map(seconds).collect();
    assert_decisions(policy, &many);
    explain(
        "crash_isolation/exercise.md#back-off",
        "No delay is longer than `max_delay`, not even the first one.",
    );
    let policy = Policy {
        first_delay: seconds(9),
        ..policy
    };
    assert_decisions(policy, &[seconds(1)]);
    let longest = Policy {
        max_delay: Duration::MAX,
        ..policy
    };
    assert_decisions(longest, &many);
}

fn more_crashes_than_the_limit_are_too_many() {
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "`limit` crashes within the window are tolerated. The next one is too many.",
    );
    for limit in [3, 1, 0] {
        let policy = Policy { limit, ..PATIENT };
        assert_decisions(policy, &[1, 2, 3, 4, 5].map(seconds));
    }
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "Three crashes at the same time are three crashes.",
    );
    let policy = Policy {
        limit: 2,
        ..PATIENT
    };
    assert_decisions(policy, &[4, 4, 4].map(seconds));
}

fn a_crash_counts_for_the_window_and_no_longer() {
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "A crash that is as old as the window, or older, no longer counts: neither for the limit nor for the delay.",
    );
    let policy = Policy {
        limit: 2,
        window: seconds(10),
        ..PATIENT
    };
    assert_decisions(policy, &[0, 1, 10].map(seconds));
    assert_decisions(policy, &[0, 9, 10, 18, 20].map(seconds));
    let almost = Duration::from_nanos(9_999_999_999);
    assert_decisions(policy, &[seconds(0), seconds(1), almost]);
    let a_little_longer = Policy {
        window: seconds(10) + Duration::from_nanos(1),
        ..policy
    };
    assert_decisions(a_little_longer, &[0, 1, 10].map(seconds));
    let none = Policy {
        window: Duration::ZERO,
        ..policy
    };
    assert_decisions(none, &[1, 1, 1, 1].map(seconds));
}

fn a_service_that_crashes_now_and_then_goes_on_for_ever() {
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "A limit on all crashes there ever were ends every service that lives long enough. Only those within the window count.",
    );
    let policy = Policy {
        limit: 2,
        window: seconds(10),
        ..PATIENT
    };
    let times: Vec<Duration> = (0..100).map(|n| seconds(n * 7)).collect();
    assert_decisions(policy, &times);
}

fn every_history_is_decided_as_specified() {
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "This history was drawn at random: count by hand which crashes lie within the window.",
    );
    let mut random = random();
    for _ in 0..30 {
        let policy = Policy {
            first_delay: match random.u8(0..6) {
                0 => Duration::ZERO,
                _ => Duration::from_nanos(random.u64(1..3_000_000_000)),
            },
            max_delay: match random.u8(0..10) {
                0 => Duration::ZERO,
                _ => Duration::from_nanos(random.u64(1_000_000_000..20_000_000_000)),
            },
            limit: random.usize(0..6),
            window: Duration::from_nanos(random.u64(1..20_000_000_000)),
        };
        let mut now = Duration::ZERO;
        let mut times = Vec::new();
        for _ in 0..20 {
            times.push(now);
            now += match random.u8(0..8) {
                0 => Duration::ZERO,
                1 => policy.window,
                _ => Duration::from_nanos(random.u64(0..6_000_000_000)),
            };
        }
        assert_decisions(policy, &times);
    }
}

/// Runs these after another call in the same process.
fn supervise_all(cases: &[Case]) -> Vec<Seen> {
    let first = Case {
        script: vec![vec![life(1, How::Error), life(1, How::Done)]],
        ..Case::default()
    };
    let mut all = vec![first];
    all.extend_from_slice(cases);
    supervise(&all).split_off(1)
}

fn supervise_one(case: &Case) -> Seen {
    supervise_all(std::slice::from_ref(case)).remove(0)
}

fn case(script: Script) -> Case {
    Case {
        script,
        ..Case::default()
    }
}

fn starts_in_words(starts: &[Start]) -> String {
    let mut starts = starts.to_vec();
    starts.sort_by_key(|start| (start.at, start.service));
    let one = |start: &Start| format!("  service {} at {:?}\n", start.service, start.at);
    starts.iter().map(one).collect()
}

fn assert_as_specified(case: &Case) -> Seen {
    let seen = supervise_one(case);
    let (verdict, starts) = expected(case);
    let (yours, expected) = (starts_in_words(&seen.starts), starts_in_words(&starts));
    assert!(
        yours == expected,
        "the services were started\n{yours}but are due\n{expected}"
    );
    assert_eq!(seen.verdict, Ok(verdict), "what supervise returned");
    for (service, began) in seen.began.iter().enumerate() {
        let due = starts
            .iter()
            .filter(|start| start.service == service)
            .count() as u64;
        assert_eq!(*began, due, "how often service {service} ran");
    }
    seen
}

fn without_services_all_are_done() {
    explain(
        "crash_isolation/exercise.md#step-3-a-supervisor",
        "There is nobody to wait for: don't wait.",
    );
    let seen = supervise_one(&case(vec![]));
    assert_eq!(
        seen.verdict,
        Ok(Verdict::AllDone),
        "what supervise returned for no services"
    );
}

fn services_that_end_well_are_done() {
    explain(
        "crash_isolation/exercise.md#step-3-a-supervisor",
        "Exit code 0 is no crash: a service that is done isn't started again.",
    );
    assert_as_specified(&case(vec![vec![life(5, How::Done)]]));
    assert_as_specified(&case(vec![
        vec![life(5, How::Done)],
        vec![life(0, How::Done)],
        vec![life(7, How::Done)],
    ]));
    explain(
        "crash_isolation/exercise.md#step-3-a-supervisor",
        "A service that calls `exit(0)` returns nothing, and is done all the same: its exit code says so.",
    );
    assert_as_specified(&case(vec![vec![life(5, How::Exit(0))]]));
}

fn a_service_that_crashes_is_restarted() {
    explain(
        "crash_isolation/exercise.md#step-3-a-supervisor",
        "Any end but exit code 0 is a crash: an error, a panic, an exit, a signal.",
    );
    let ways = [
        How::Error,
        How::Panic,
        How::Exit(7),
        How::Exit(255),
        How::Abort,
        How::Killed,
        How::Terminated,
    ];
    let cases: Vec<Case> = ways
        .into_iter()
        .map(|how| case(vec![vec![life(3, how), life(2, How::Done)]]))
        .collect();
    for (how, seen) in ways.into_iter().zip(supervise_all(&cases)) {
        assert_eq!(
            seen.verdict,
            Ok(Verdict::AllDone),
            "what supervise returned"
        );
        assert_eq!(
            *seen.began,
            [2],
            "how often a service ran that first ended by `{how:?}`, then well"
        );
    }
}

fn all_services_run_at_the_same_time() {
    explain(
        "crash_isolation/exercise.md#step-3-a-supervisor",
        "Start all services before you wait for the first.",
    );
    assert_as_specified(&case(vec![
        vec![life(50, How::Done)],
        vec![life(40, How::Done)],
        vec![life(60, How::Done)],
    ]));
}

fn a_restart_comes_after_its_delay() {
    explain(
        "crash_isolation/exercise.md#back-off",
        "The delay begins with the crash, and `clock` says when it is over.",
    );
    let policy = Policy {
        max_delay: seconds(8),
        ..PATIENT
    };
    let crashes = [10, 1, 5, 2, 8, 3, 3, 6, 4].map(|lasts| life(lasts, How::Killed));
    let lives = [&crashes[..], &[life(4, How::Done)]].concat();
    assert_as_specified(&Case {
        policy: Some(policy),
        ..case(vec![lives.clone()])
    });
    explain(
        "crash_isolation/exercise.md#back-off",
        "The clock doesn't begin at zero: a time is a time on it, not a delay.",
    );
    assert_as_specified(&Case {
        policy: Some(policy),
        begin: seconds(100_000),
        ..case(vec![lives.clone()])
    });
    explain(
        "crash_isolation/exercise.md#back-off",
        "A delay of no time is a delay: the service is restarted at once.",
    );
    let policy = Policy {
        first_delay: Duration::ZERO,
        ..policy
    };
    assert_as_specified(&Case {
        policy: Some(policy),
        ..case(vec![lives, vec![life(12, How::Done)]])
    });
}

fn the_others_are_looked_after_during_a_delay() {
    explain(
        "crash_isolation/exercise.md#wait-for-whichever-comes-first",
        "While one service waits for its restart, another one may crash: wait for the next end and for the next restart at the \
         same time.",
    );
    let policy = Policy {
        first_delay: seconds(1000),
        max_delay: seconds(3000),
        ..PATIENT
    };
    let script = vec![
        vec![life(10, How::Error), life(5, How::Done)],
        vec![
            life(100, How::Killed),
            life(50, How::Error),
            life(1, How::Done),
        ],
        vec![life(500, How::Done)],
    ];
    // The restart that comes first is that of the first service, then of the last one.
    let reversed = script.iter().rev().cloned().collect();
    for script in [script, reversed] {
        assert_as_specified(&Case {
            policy: Some(policy),
            ..case(script)
        });
    }
}

fn every_service_has_its_own_history() {
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "Each service has its own `Restarts`: one that crashes often doesn't make the supervisor less patient with the others.",
    );
    let policy = Policy {
        limit: 2,
        ..PATIENT
    };
    let lives = |first| {
        vec![
            life(first, How::Error),
            life(20, How::Error),
            life(3, How::Done),
        ]
    };
    assert_as_specified(&Case {
        policy: Some(policy),
        ..case(vec![lives(10), lives(11), lives(13)])
    });
}

fn the_window_passes_on_the_clock() {
    explain(
        "crash_isolation/exercise.md#wait-for-whichever-comes-first",
        "A crash happened when `clock` says so. The machine's own time has hardly passed.",
    );
    let policy = Policy {
        limit: 1,
        window: seconds(10),
        ..PATIENT
    };
    let lives = |lasts, crashes| {
        let crashes = vec![life(lasts, How::Error); crashes];
        [crashes, vec![life(1, How::Done)]].concat()
    };
    assert_as_specified(&Case {
        policy: Some(policy),
        ..case(vec![lives(12, 40), lives(17, 6)])
    });
}

fn a_service_that_crashes_too_often_is_given_up() {
    explain(
        "crash_isolation/exercise.md#the-intensity-limit",
        "More than `limit` crashes within the window: restarting doesn't help, so give up, and say on which service.",
    );
    for (limit, how) in [(2, How::Exit(9)), (0, How::Killed)] {
        let policy = Policy { limit, ..PATIENT };
        assert_as_specified(&Case {
            policy: Some(policy),
            ..case(vec![
                vec![life(1, How::Done)],
                vec![life(2, How::Error), life(2, How::Panic), life(2, how)][2 - limit..].to_vec(),
            ])
        });
    }
}

fn giving_up() -> Case {
    Case {
        policy: Some(Policy {
            limit: 1,
            ..PATIENT
        }),
        ..case(vec![
            vec![],
            vec![life(5, How::Error), life(5, How::Killed)],
            vec![],
        ])
    }
}

fn giving_up_ends_the_other_services() {
    explain(
        "crash_isolation/exercise.md#nobody-is-left",
        "The supervisor gives up as a whole: it kills the services that still run, and waits for each.",
    );
    for case in [giving_up(), giving_up_among_others()] {
        let seen = assert_as_specified(&case);
        assert!(
            seen.left.is_nothing(),
            "supervise gave up, and left {} behind",
            seen.left
        );
    }
}

/// At the moment at which it's time to give up, others end as well, and others go on.
fn giving_up_among_others() -> Case {
    Case {
        policy: Some(Policy {
            limit: 0,
            ..PATIENT
        }),
        ..case(vec![
            vec![],
            vec![life(5, How::Done)],
            vec![],
            vec![life(2, How::Done)],
            vec![life(5, How::Abort)],
            vec![life(5, How::Done)],
            vec![],
        ])
    }
}

fn giving_up_cancels_restarts() {
    explain(
        "crash_isolation/exercise.md#nobody-is-left",
        "A service that waits for its restart isn't started any more once the supervisor has given up.",
    );
    let policy = Policy {
        first_delay: seconds(100),
        limit: 1,
        ..PATIENT
    };
    let case = Case {
        policy: Some(policy),
        ..case(vec![
            vec![life(160, How::Error)],
            vec![life(5, How::Error), life(70, How::Abort)],
        ])
    };
    let seen = assert_as_specified(&case);
    assert!(
        seen.left.is_nothing(),
        "supervise gave up, and left {} behind",
        seen.left
    );
}

fn many_services_are_supervised() {
    explain(
        "crash_isolation/exercise.md#wait-for-whichever-comes-first",
        "There may be many services, and several may end at the same moment: look after each that `wait_any` names.",
    );
    let script = (0..40)
        .map(|n| {
            let crash = life(
                5 + n % 3,
                [How::Error, How::Killed, How::Exit(2)][n as usize % 3],
            );
            vec![crash, life(10, How::Done)]
        })
        .collect();
    assert_as_specified(&case(script));
}

fn no_child_outlives_the_call() {
    explain(
        "crash_isolation/exercise.md#nobody-is-left",
        "Every child is waited for once: each service that ended, each that was killed.",
    );
    let well = case(vec![
        vec![life(1, How::Killed), life(1, How::Done)],
        vec![life(9, How::Done)],
    ]);
    for seen in supervise_all(&[well, giving_up()]) {
        assert!(
            seen.left.is_nothing(),
            "supervise left {} behind",
            seen.left
        );
    }
}

fn a_killed_supervisor_leaves_no_orphans() {
    explain(
        "crash_isolation/exercise.md#when-the-supervisor-dies",
        "Nobody can clean up after SIGKILL, so the services ask the kernel beforehand: `os::process::die_with_parent`.",
    );
    for (services, runs) in [(3, 1), (2, 2)] {
        let (began, survivors) = supervise_and_be_killed(&services, &runs).into_inner();
        assert_eq!(
            began, services,
            "services that ran, of {services} that had to be started {runs} times"
        );
        assert_eq!(
            survivors, 0,
            "services that live on after their supervisor was killed, in run {runs} of each"
        );
    }
}

fn it_works_on_the_machines_clock() {
    explain(
        "crash_isolation/exercise.md#wait-for-whichever-comes-first",
        "The machine's clock goes on by itself, even between two of your calls, and a wait may end a little late.",
    );
    let (verdict, starts, left) = supervise_for_real();
    assert_eq!(verdict, Ok(Verdict::AllDone), "what supervise returned");
    assert_eq!(
        starts, 3,
        "starts of a service that crashes twice and then ends well"
    );
    assert!(left.is_nothing(), "supervise left {left} behind");
}

/// Four starts, and all would be done in the end.
fn three_lives() -> Script {
    vec![
        vec![life(5, How::Done)],
        vec![life(1, How::Error), life(1, How::Done)],
        vec![life(7, How::Done)],
    ]
}

fn a_fork_that_fails_is_an_error() {
    explain(
        "crash_isolation/exercise.md#nobody-is-left",
        "A service that can't be started is an error of the supervisor. The others must not be left behind: `?` alone forgets them.",
    );
    for nth in 1..=4 {
        let case = Case {
            faults: vec![Fault::Fail(Operation::Fork, nth)],
            ..case(three_lives())
        };
        let seen = supervise_one(&case);
        assert!(
            seen.verdict.is_err(),
            "fork {nth} failed, and supervise returned {:?}",
            seen.verdict
        );
        assert!(
            seen.left.is_nothing(),
            "fork {nth} failed, and supervise left {} behind",
            seen.left
        );
    }
}

fn a_clock_that_fails_is_an_error() {
    explain(
        "crash_isolation/exercise.md#nobody-is-left",
        "If waiting fails, the supervisor can't go on. The services must not be left behind: `?` alone forgets them.",
    );
    for failing in 1..=2 {
        let case = Case {
            failing: Some(failing),
            ..case(three_lives())
        };
        let seen = supervise_one(&case);
        assert!(
            seen.verdict.is_err(),
            "wait {failing} failed, and supervise returned {:?}",
            seen.verdict
        );
        assert!(
            seen.left.is_nothing(),
            "wait {failing} failed, and supervise left {} behind",
            seen.left
        );
    }
    // The service has crashed, and waits for its restart: nobody runs.
    let case = Case {
        failing: Some(2),
        ..case(vec![vec![life(1, How::Error), life(1, How::Done)]])
    };
    let seen = supervise_one(&case);
    assert!(
        seen.verdict.is_err(),
        "the wait for a restart failed, and supervise returned {:?}",
        seen.verdict
    );
}
