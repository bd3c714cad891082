//! Step 2: who dies with whom.

use crate::{Fate, Learner, Outcome};
use checks::faults::{Fault, Operation};
use checks::ledger::{self, Ledger, What};
use checks::leftovers::{self, Leftovers};
use checks::{explain, faults, random};
use os_core::process::Crash;
use serde::{Deserialize, Serialize};

/// A crash, in plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum How {
    Panic,
    Exit(i32),
    Abort,
    Segfault,
    StackOverflow,
    Kill,
    OutOfMemory,
}

/// One of each kind.
const ALL: [How; 7] = [
    How::Panic,
    How::Exit(3),
    How::Abort,
    How::Segfault,
    How::StackOverflow,
    How::Kill,
    How::OutOfMemory,
];

impl How {
    fn crash(self) -> Crash {
        match self {
            Self::Panic => Crash::Panic,
            Self::Exit(code) => Crash::Exit(code),
            Self::Abort => Crash::Abort,
            Self::Segfault => Crash::Segfault,
            Self::StackOverflow => Crash::StackOverflow,
            Self::Kill => Crash::Kill,
            Self::OutOfMemory => Crash::OutOfMemory,
        }
    }

    /// How a process ends by it.
    fn outcome(self) -> Outcome {
        let signal = match self {
            Self::Panic => return Outcome::Exited(101),
            Self::Exit(code) => return Outcome::Exited(code),
            Self::Abort | Self::StackOverflow | Self::OutOfMemory => 6,
            Self::Segfault => 11,
            Self::Kill => 9,
        };
        Outcome::Killed {
            signal,
            core_dumped: false,
        }
    }
}

/// What a call returned, what happened meanwhile, what it left behind.
type Call = (Result<Fate, String>, Ledger, Leftovers);

checks::subject! {
    for Learner;

    fn crash_in_thread(learner, crashes: Vec<How>, failing: Vec<Fault>) -> Vec<Call> {
        run(learner.crash_in_thread, &crashes, &failing)
    }

    fn crash_in_process(learner, crashes: Vec<How>, failing: Vec<Fault>) -> Vec<Call> {
        run(learner.crash_in_process, &crashes, &failing)
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_process_that_crashes_takes_nobody_along,
    the_end_of_a_crashed_process_is_told,
    a_signal_in_a_thread_kills_the_bystander,
    an_exit_in_a_thread_ends_the_bystander,
    an_exit_with_code_0_is_no_survival,
    a_panic_in_a_thread_leaves_the_bystander_alive,
    the_crash_happens_in_a_thread,
    who_dies_with_whom,
    the_crash_happens_in_a_child_of_the_bystander,
    nothing_is_left_behind,
    a_fork_that_fails_is_an_error,
];

fn run(
    function: fn(Crash) -> std::io::Result<Fate>,
    crashes: &[How],
    failing: &[Fault],
) -> Vec<Call> {
    let call = |how: &How| {
        faults::reset();
        faults::plan(failing);
        let ((fate, ledger), left) = leftovers::watch(|| ledger::observe(|| function(how.crash())));
        faults::reset();
        (fate.map_err(|error| error.to_string()), ledger, left)
    };
    crashes.iter().map(call).collect()
}

fn in_thread(crashes: &[How]) -> Vec<Call> {
    crash_in_thread(&crashes.to_vec(), &vec![])
}

fn in_process(crashes: &[How]) -> Vec<Call> {
    crash_in_process(&crashes.to_vec(), &vec![])
}

fn fates(calls: &[Call]) -> impl Iterator<Item = &Result<Fate, String>> {
    calls.iter().map(|(fate, ..)| fate)
}

fn a_process_that_crashes_takes_nobody_along() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "A process that waits for another one isn't harmed by the other one's end, whatever it was.",
    );
    for (how, fate) in ALL.iter().zip(fates(&in_process(&ALL))) {
        let survived = fate.as_ref().map(|fate| fate.bystander_survived);
        assert_eq!(
            survived,
            Ok(true),
            "whether the bystander survived `{how:?}` in another process"
        );
    }
}

fn the_end_of_a_crashed_process_is_told() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "`process` is how the crashed process ended, not the bystander.",
    );
    let mut crashes = ALL.to_vec();
    crashes.extend([0, 1, 200, 255].map(How::Exit));
    for (how, fate) in crashes.iter().zip(fates(&in_process(&crashes))) {
        let process = fate.as_ref().map(|fate| fate.process);
        assert_eq!(
            process,
            Ok(how.outcome()),
            "`process`, for `{how:?}` in a process"
        );
    }
}

fn assert_in_thread(how: How, expected: Fate) {
    let calls = in_thread(&[how, how]);
    for fate in fates(&calls) {
        assert_eq!(*fate, Ok(expected), "crash_in_thread, for `{how:?}`");
    }
}

fn dies(how: How) -> Fate {
    Fate {
        process: how.outcome(),
        bystander_survived: false,
    }
}

fn a_signal_in_a_thread_kills_the_bystander() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "A fatal signal ends the process with all of its threads, including the one that waits in `join`.",
    );
    for how in [
        How::Abort,
        How::Segfault,
        How::StackOverflow,
        How::Kill,
        How::OutOfMemory,
    ] {
        assert_in_thread(how, dies(how));
    }
}

fn an_exit_in_a_thread_ends_the_bystander() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "`exit` ends the process, not the thread that calls it.",
    );
    // A process that panics has the exit code 101.
    for code in [3, random().i32(4..=255), 101] {
        assert_in_thread(How::Exit(code), dies(How::Exit(code)));
    }
}

fn an_exit_with_code_0_is_no_survival() {
    explain(
        "crash_isolation/exercise.md#who-says-that-it-survived",
        "The exit code is the same whether the bystander returned or the other thread called `exit(0)`. Only a sign from the \
         bystander itself, after the crash, shows that it was still there.",
    );
    assert_in_thread(How::Exit(0), dies(How::Exit(0)));
}

fn a_panic_in_a_thread_leaves_the_bystander_alive() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "A panic ends its thread and no other. `join` returns it as an error: that is no reason for the bystander to panic.",
    );
    let survives = Fate {
        process: Outcome::Exited(0),
        bystander_survived: true,
    };
    assert_in_thread(How::Panic, survives);
}

fn the_crash_happens_in_a_thread() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "One child is enough: the thread that crashes and the bystander are both in it.",
    );
    for (fate, ledger, _) in in_thread(&[How::Panic, How::Kill]) {
        assert!(fate.is_ok(), "crash_in_thread returned {fate:?}");
        assert_eq!(ledger.all_forks(), 1, "processes forked by crash_in_thread");
    }
}

fn the_crash_happens_in_a_child_of_the_bystander() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "The bystander is a process of its own, which forks the one that crashes: two forks.",
    );
    for (fate, ledger, _) in in_process(&[How::Panic, How::Kill]) {
        assert!(fate.is_ok(), "crash_in_process returned {fate:?}");
        let by_child = ledger.count(|r| r.process != 0 && matches!(r.what, What::Forked(_)));
        assert_eq!(
            (ledger.forks(), by_child),
            (1, 1),
            "processes forked by you, and by the bystander"
        );
    }
}

fn who_dies_with_whom() {
    explain(
        "crash_isolation/exercise.md#two-places-to-crash",
        "This is the whole table: what ends the process in which it happens, and who is still there afterwards.",
    );
    let (threads, processes) = (in_thread(&ALL), in_process(&ALL));
    let mut table = format!("{:<20} {:<40} in a process\n", "", "in a thread");
    for ((how, thread), process) in ALL.iter().zip(fates(&threads)).zip(fates(&processes)) {
        let cell = |fate: &Result<Fate, String>| match fate {
            Err(error) => format!("error: {error}"),
            Ok(fate) => {
                let bystander = if fate.bystander_survived {
                    "survives"
                } else {
                    "dies"
                };
                format!("{}; bystander {bystander}", fate.process)
            }
        };
        table += &format!(
            "{:<20} {:<40} {}\n",
            how.crash().to_string(),
            cell(thread),
            cell(process)
        );
    }
    checks::snapshot!("crash_isolation", "who_dies_with_whom", table);
}

fn nothing_is_left_behind() {
    explain(
        "crash_isolation/exercise.md#step-2-the-crash-matrix",
        "A child that nobody waits for stays in the process table as a zombie.",
    );
    for (name, calls) in [
        ("crash_in_thread", in_thread(&ALL)),
        ("crash_in_process", in_process(&ALL)),
    ] {
        for (how, (_, _, left)) in ALL.iter().zip(calls) {
            assert!(
                left.is_nothing(),
                "{name} left {left} behind, for `{how:?}`"
            );
        }
    }
}

fn a_fork_that_fails_is_an_error() {
    explain(
        "crash_isolation/exercise.md#step-2-the-crash-matrix",
        "A crash that never happened has no fate: return the error.",
    );
    let failing = vec![Fault::Fail(Operation::Fork, 1)];
    let first = crash_in_thread(&vec![How::Kill], &failing);
    let second = crash_in_process(&vec![How::Kill], &failing);
    // Operations are counted in each process: the bystander inherits the count, so its own fork is the second.
    let third = crash_in_process(&vec![How::Kill], &vec![Fault::Fail(Operation::Fork, 2)]);
    for (name, which, calls) in [
        ("crash_in_thread", "the fork", first),
        ("crash_in_process", "the first fork", second),
        ("crash_in_process", "the bystander's fork", third),
    ] {
        for (fate, _, left) in calls {
            assert!(
                fate.is_err(),
                "{which} failed, and {name} returned {fate:?}"
            );
            assert!(
                left.is_nothing(),
                "{which} failed, and {name} left {left} behind"
            );
        }
    }
}
