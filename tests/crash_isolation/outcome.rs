//! Step 1: what the kernel says of a process that has ended, and what the process said itself.

use crate::{Learner, Outcome};
use checks::leftovers::{self, Leftovers};
use checks::{explain, random};
use os_core::process::{Crash, fork};

checks::subject! {
    for Learner;

    /// What each status means.
    fn from_status(learner, statuses: Vec<i32>) -> Vec<Outcome> {
        statuses.into_iter().map(learner.from_status).collect()
    }

    /// Statuses in words, each made by `from_status`.
    fn display(learner, statuses: Vec<i32>) -> Vec<String> {
        statuses.into_iter().map(learner.display).collect()
    }

    /// Outcomes in words.
    fn display_made(learner, made: Vec<Outcome>) -> Vec<String> as display {
        made.into_iter().map(learner.display_made).collect()
    }

    /// What became of children that really end so: 0 exits with the code, 1 is killed by SIGKILL, 2 by SIGSEGV, 3 aborts.
    fn real_ends(learner, ends: Vec<(u8, i32)>) -> (Vec<(i32, Outcome)>, Leftovers) as from_status {
        leftovers::watch(|| {
            let end = |(how, code): (u8, i32)| {
                let crash = match how {
                    0 => Crash::Exit(code),
                    1 => Crash::Kill,
                    2 => Crash::Segfault,
                    _ => Crash::Abort,
                };
                let child = fork(|| -> std::io::Result<()> { crash.now() }).expect("a child");
                let status = child.finish().expect("it ends").status;
                (status, (learner.from_status)(status))
            };
            ends.into_iter().map(end).collect()
        })
    }

    /// What is decoded from each.
    fn decode(learner, inputs: Vec<Vec<u8>>) -> Vec<Option<(u64, String)>> {
        inputs.iter().map(|bytes| (learner.decode)(bytes)).collect()
    }
}

/// Ordered by what says most about the mistake.
pub const TESTS: &[checks::Test] = checks::tests![
    a_signal_is_not_an_exit_code,
    an_exit_code_is_all_of_its_eight_bits,
    a_signal_is_told_with_its_number,
    the_core_dump_is_told_apart_from_the_signal,
    real_processes_are_understood,
    an_exit_is_put_into_words,
    a_signal_is_put_into_words_with_its_name,
    a_core_dump_is_mentioned,
    a_whole_report_is_decoded,
    a_report_without_a_message_is_whole,
    a_torn_report_is_none,
    bytes_after_the_message_make_it_none,
    a_long_message_is_decoded,
    what_is_not_utf8_is_replaced,
    any_bytes_are_decoded_without_a_panic,
];

/// The status of a process that a signal killed.
fn killed(signal: i32, core_dumped: bool) -> i32 {
    signal | if core_dumped { 0x80 } else { 0 }
}

fn assert_decoded(status: i32, yours: Outcome, expected: Outcome) {
    assert_eq!(yours, expected, "from_status({status:#06x})");
}

fn a_signal_is_not_an_exit_code() {
    explain(
        "crash_isolation/exercise.md#one-number-three-answers",
        "The low seven bits come first: only if they are 0 did the process exit. A process that a signal killed has no exit code.",
    );
    let statuses: Vec<i32> = [9, 11, 6, 15, 1].map(|signal| killed(signal, false)).into();
    for (status, yours) in statuses.iter().zip(from_status(&statuses)) {
        if let Outcome::Exited(code) = yours {
            panic!(
                "from_status({status:#06x}) is {yours:?}, but the process did not exit with code {code}: {} killed it",
                os_core::process::signal_name(*status)
            );
        }
    }
}

fn an_exit_code_is_all_of_its_eight_bits() {
    explain(
        "crash_isolation/exercise.md#one-number-three-answers",
        "The exit code is the eight bits above the lowest eight: a number from 0 to 255, never a negative one.",
    );
    let codes: Vec<i32> = (0..=255).collect();
    let statuses: Vec<i32> = codes.iter().map(|code| code << 8).collect();
    for ((code, status), yours) in codes.iter().zip(&statuses).zip(from_status(&statuses)) {
        assert_decoded(*status, yours, Outcome::Exited(*code));
    }
}

fn a_signal_is_told_with_its_number() {
    explain(
        "crash_isolation/exercise.md#one-number-three-answers",
        "The signal is the lowest seven bits, whichever signal it is.",
    );
    for signal in 1..=64 {
        let status = killed(signal, false);
        let expected = Outcome::Killed {
            signal,
            core_dumped: false,
        };
        assert_decoded(status, from_status_of_all()[signal as usize - 1], expected);
    }
}

/// All signals, asked about in one process.
fn from_status_of_all() -> &'static [Outcome] {
    static ALL: std::sync::OnceLock<Vec<Outcome>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| from_status(&(1..=64).map(|signal| killed(signal, false)).collect()))
}

fn the_core_dump_is_told_apart_from_the_signal() {
    explain(
        "crash_isolation/exercise.md#one-number-three-answers",
        "128 in a status is a bit of its own: it says that there is a core file. It belongs neither to the signal nor to the exit code.",
    );
    let cases: Vec<(i32, bool)> = [3, 4, 6, 7, 8, 11, 31]
        .into_iter()
        .chain(1..=64)
        .flat_map(|signal| [(signal, true), (signal, false)])
        .collect();
    let statuses: Vec<i32> = cases
        .iter()
        .map(|(signal, core)| killed(*signal, *core))
        .collect();
    let yours = from_status(&statuses);
    for ((status, (signal, core_dumped)), yours) in statuses.iter().zip(cases).zip(yours) {
        let expected = Outcome::Killed {
            signal,
            core_dumped,
        };
        assert_decoded(*status, yours, expected);
    }
}

fn real_processes_are_understood() {
    explain(
        "crash_isolation/exercise.md#one-number-three-answers",
        "These are statuses that the kernel has just reported, of children of the test.",
    );
    let code = random().i32(2..=255);
    let ends = vec![(0, 0), (0, code), (1, 0), (2, 0), (3, 0), (0, 1)];
    let (seen, left) = real_ends(&ends);
    let killed = |signal| Outcome::Killed {
        signal,
        core_dumped: false,
    };
    let expected = [
        Outcome::Exited(0),
        Outcome::Exited(code),
        killed(9),
        killed(11),
        killed(6),
        Outcome::Exited(1),
    ];
    for ((status, yours), expected) in seen.into_iter().zip(expected) {
        assert_decoded(status, yours, expected);
    }
    assert!(left.is_nothing(), "from_status left {left} behind");
}

fn an_exit_is_put_into_words() {
    explain(
        "crash_isolation/exercise.md#step-1-outcome",
        "The words are those of the doc comment, to the letter.",
    );
    let statuses: Vec<i32> = (0..=255).map(|code| code << 8).collect();
    for (code, yours) in (0..=255).zip(display(&statuses)) {
        assert_eq!(yours, format!("exited with code {code}"), "in words");
    }
}

fn a_signal_is_put_into_words_with_its_name() {
    explain(
        "crash_isolation/exercise.md#step-1-outcome",
        "`os::process::signal_name` knows the name of each signal.",
    );
    let signals: Vec<i32> = [9, 11].into_iter().chain(1..=64).collect();
    for (signal, yours) in signals.iter().zip(display(&signals)) {
        let name = os_core::process::signal_name(*signal);
        assert_eq!(yours, format!("was killed by {name}"), "in words");
    }
}

fn a_core_dump_is_mentioned() {
    explain(
        "crash_isolation/exercise.md#step-1-outcome",
        "Mention a core file: it is where a debugger begins. Without one, don't mention it.",
    );
    let made = |signal| {
        [true, false].map(|core_dumped| Outcome::Killed {
            signal,
            core_dumped,
        })
    };
    let made: Vec<Outcome> = [11].into_iter().chain(1..=64).flat_map(made).collect();
    for (made, yours) in made.chunks(2).zip(display_made(&made).chunks(2)) {
        let words: Vec<String> = made.iter().map(ToString::to_string).collect();
        assert_eq!(yours, words, "in words, with a core file and without");
    }
}

/// A report as a worker writes it.
fn report(task: u64, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("it fits");
    [&task.to_le_bytes()[..], &length.to_le_bytes(), message].concat()
}

/// What a report says; the reference for random bytes.
fn expected(bytes: &[u8]) -> Option<(u64, String)> {
    let task = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let length = u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?);
    let message = &bytes[10..];
    (message.len() == usize::from(length))
        .then(|| (task, String::from_utf8_lossy(message).into_owned()))
}

fn a_whole_report_is_decoded() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "A report is eight bytes of task, two of length, and the message. The least significant byte comes first.",
    );
    let mut random = random();
    let cases = [
        (7, "panicked at src/lib.rs:3: no such file".to_owned()),
        (random.u64(..), "größer als gedacht: ∞".to_owned()),
        (u64::MAX, "x".repeat(300)),
        (0x0102_0304_0506_0708, "a\0b\n".to_owned()),
        (1, " \0neither trimmed nor cut \n\0\0".to_owned()),
    ];
    let inputs: Vec<_> = cases
        .iter()
        .map(|(task, text)| report(*task, text.as_bytes()))
        .collect();
    for (case, yours) in cases.into_iter().zip(decode(&inputs)) {
        assert_eq!(yours, Some(case), "the task and the message");
    }
}

fn a_report_without_a_message_is_whole() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "An empty message is a message: ten bytes can be a whole report. No bytes at all aren't a report.",
    );
    let yours = decode(&vec![report(5, b""), vec![]]);
    assert_eq!(yours, [Some((5, String::new())), None], "decoded");
}

fn a_torn_report_is_none() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "A worker can be killed between any two bytes. A report that breaks off says nothing that can be relied on.",
    );
    let whole = report(random().u64(..), "it broke off here".as_bytes());
    let torn: Vec<Vec<u8>> = (0..whole.len())
        .map(|length| whole[..length].to_vec())
        .collect();
    for (torn, yours) in torn.iter().zip(decode(&torn)) {
        assert_eq!(
            yours,
            None,
            "decoded from the first {} of {} bytes of a report",
            torn.len(),
            whole.len()
        );
    }
}

fn bytes_after_the_message_make_it_none() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "If bytes follow the message, it isn't a report, so the rest of it can't be trusted either.",
    );
    let mut longer = report(3, b"short");
    longer.push(b'!');
    let two = [report(1, b"one"), report(2, b"two")].concat();
    assert_eq!(decode(&vec![longer, two]), [None, None], "decoded");
}

fn a_long_message_is_decoded() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "The length has two bytes, so a message can have 65,535 bytes.",
    );
    let text = "é".repeat(32_767);
    let inputs = vec![report(1, text.as_bytes()), report(2, &[b'm'; 65_535])];
    let yours = decode(&inputs);
    let lengths: Vec<_> = yours
        .iter()
        .flatten()
        .map(|(task, text)| (*task, text.len()))
        .collect();
    assert_eq!(
        lengths,
        [(1, 65_534), (2, 65_535)],
        "the tasks and the lengths of their messages"
    );
}

fn what_is_not_utf8_is_replaced() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "A message with broken bytes is still worth reading: replace them, as `String::from_utf8_lossy` does.",
    );
    let inputs = vec![
        report(1, b"ab\xffcd"),
        report(2, &[0xf0, 0x9f]),
        report(3, b"\xed\xa0\x80"),
    ];
    for (input, yours) in inputs.iter().zip(decode(&inputs)) {
        assert_eq!(yours, expected(input), "decoded from {input:?}");
    }
}

/// Bounded: a few thousand inputs, in one process.
fn any_bytes_are_decoded_without_a_panic() {
    explain(
        "crash_isolation/exercise.md#a-report-from-the-dying",
        "The bytes come from a process that has just gone wrong: believe none of them, the length least of all.",
    );
    let mut random = random();
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    for _ in 0..3000 {
        let mut bytes: Vec<u8> = (0..random.usize(0..40)).map(|_| random.u8(..)).collect();
        // Random lengths are almost always too long: half of the inputs have one that nearly fits.
        if bytes.len() >= 10 && random.bool() {
            let length = bytes.len() - 10 + random.usize(0..3);
            let length = u16::try_from(length.saturating_sub(1)).expect("it is short");
            bytes[8..10].copy_from_slice(&length.to_le_bytes());
        }
        inputs.push(bytes);
    }
    for (input, yours) in inputs.iter().zip(decode(&inputs)) {
        assert_eq!(yours, expected(input), "decoded from {input:?}");
    }
}
