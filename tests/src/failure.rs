//! What is known of the test at hand, and what a learner reads when it fails.

use std::cell::RefCell;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use wire::status::{Report, Status};

use crate::subject::Panic;
use crate::{account, judge};

/// A failure that is not an assertion's, on its way to the hook.
pub(crate) struct Failure {
    pub status: Status,
    pub message: String,
    /// What was observed explains more than what the test knows of wrong answers.
    pub why: Option<String>,
}

#[derive(Default)]
struct Context {
    test: String,
    seed: Option<u64>,
    section: Option<String>,
    why: Option<String>,
    /// What the subjects printed, for a failure to show.
    printed: String,
    /// Whether a subject was killed by a signal that the judge didn't send.
    killed: bool,
    report: Option<Report>,
}

thread_local! {
    static CONTEXT: RefCell<Context> = RefCell::default();
}

/// A test begins on this thread.
pub(crate) fn begin(test: String) {
    account::take();
    CONTEXT.set(Context {
        test,
        ..Context::default()
    });
}

/// The test has ended; says what became of it.
pub(crate) fn end(panicked: bool) -> Report {
    let context = CONTEXT.take();
    let report = match context.report {
        Some(report) if panicked || report.status == Status::Skipped => Report {
            killed: context.killed,
            ..report
        },
        _ => Report {
            test: context.test,
            // A panic always leaves a report, unless somebody replaced the hook.
            status: if panicked {
                Status::InfrastructureError
            } else {
                Status::Passed
            },
            message: String::new(),
            why: None,
            section: None,
            seed: context.seed,
            self_reported: Vec::new(),
            seconds: 0.0,
            killed: context.killed,
        },
    };
    Report {
        self_reported: account::take(),
        ..report
    }
}

pub(crate) fn test_name() -> String {
    CONTEXT.with_borrow(|context| context.test.clone())
}

pub(crate) fn seed() -> Option<u64> {
    CONTEXT.with_borrow(|context| context.seed)
}

pub(crate) fn remember_seed(seed: u64) {
    CONTEXT.with_borrow_mut(|context| context.seed = Some(seed));
}

/// SIGKILL ended a subject, or what it runs in. Its own code may have sent it; so may anybody else.
pub(crate) fn remember_kill() {
    CONTEXT.with_borrow_mut(|context| context.killed = true);
}

/// What a subject printed, to be shown if the test fails.
pub(crate) fn remember_printed(function: &str, printed: &str) {
    /// Bytes of all subjects of one test: enough for what a learner prints, too little to drown the message.
    const SHOW: usize = 4000;
    if printed.trim().is_empty() {
        return;
    }
    CONTEXT.with_borrow_mut(|context| {
        let text = format!(
            "\n  {function} printed:\n    {}\n",
            printed.trim_end().replace('\n', "\n    ")
        );
        if context.printed.contains(&text) {
            return; // a second call that printed the same
        }
        if context.printed.len() + text.len() <= SHOW {
            context.printed += &text;
        } else if !context.printed.ends_with("[…]\n") {
            let left = SHOW.saturating_sub(context.printed.len());
            let cut = (0..=left.min(text.len()))
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            context.printed += &text[..cut];
            context.printed += "\n    […]\n";
        }
    });
}

/// Says what an assertion that fails from here on would mean, and which section of the book clears it up.
///
/// `section` is a page and a heading's id: `memory/exercise.md#join-before-you-read`. Call it again before an assertion that
/// means something else.
pub fn explain(section: &str, why: &str) {
    CONTEXT.with_borrow_mut(|context| {
        context.section = Some(section.into());
        context.why = Some(why.into());
    });
}

pub(crate) fn fail(status: Status, message: String, why: Option<&str>) -> ! {
    std::panic::panic_any(Failure {
        status,
        message,
        why: why.map(str::to_owned),
    })
}

/// Ends the test without a verdict: something of ours failed, not the learner's code.
///
/// # Panics
/// Always.
pub fn infrastructure(message: impl Into<String>) -> ! {
    fail(Status::InfrastructureError, message.into(), None)
}

/// Ends the test because something that the subject shares with others, such as `/dev/shm`, can't be used any more.
///
/// In a sandbox, where a subject has run, this is the learner's doing: nobody else is in there. Elsewhere it is nobody's.
///
/// # Panics
/// Always.
pub fn unusable(message: impl Into<String>) -> ! {
    disturbed(Status::Crash, message.into())
}

/// As [`unusable`], with a status for what the learner's code did to others in its sandbox.
pub(crate) fn disturbed(status: Status, message: String) -> ! {
    if !judge::is_learners_doing() {
        infrastructure(message);
    }
    fail(
        status,
        message,
        Some(
            "A test shares blocks and locks with your code. Something that ran here took away, filled up or kept what others need.",
        ),
    )
}

/// The learner's code panicked: where, and what it said, first of all.
pub(crate) fn learner_panicked(function: &str, panic: &Panic) -> ! {
    let Panic { message, place } = panic;
    if let Some(todo) = message.strip_prefix("not yet implemented") {
        let todo = todo.trim_start_matches(": ");
        fail(
            Status::Unstarted,
            format!("Nothing is written here yet. Begin at {place}:\n    {todo}"),
            None,
        )
    }
    let why = match message.ends_with("with overflow") {
        true => {
            "A result didn't fit its type. Say what should happen then: `wrapping_add`, `checked_add`, or a wider type."
        }
        false => {
            "The call has to return here: pass errors on with `?`, or handle them, rather than panic."
        }
    };
    fail(
        Status::Failed,
        format!("{function} panicked at {place}:\n    {message}"),
        Some(why),
    )
}

/// Prepares this process to judge.
pub(crate) fn prepare() {
    std::panic::set_hook(Box::new(hook));
}

fn hook(info: &PanicHookInfo<'_>) {
    let failure = info.payload().downcast_ref::<Failure>();
    let (status, message) = match failure {
        Some(failure) => (failure.status, failure.message.clone()),
        None => (Status::Failed, plainly(message_of(info))),
    };
    CONTEXT.with_borrow_mut(|context| {
        if context.test.is_empty() {
            let place = info.location().map_or(String::new(), ToString::to_string);
            eprintln!("the test harness panicked at {place}: {message}");
            return;
        }
        let judged = matches!(
            status,
            Status::Failed | Status::Timeout | Status::Crash | Status::OutputLimit
        );
        let why = match failure {
            // A hang of which the kernel tells no cause means what the test says.
            Some(failure) if failure.status != Status::Timeout || failure.why.is_some() => {
                failure.why.clone()
            }
            _ => context.why.take(),
        };
        let mut message = message;
        if judged && !context.printed.is_empty() {
            message += "\n";
            message += context.printed.trim_end_matches('\n');
        }
        context.report = Some(Report {
            test: context.test.clone(),
            status,
            message,
            why,
            section: context
                .section
                .take()
                .filter(|_| judged || status == Status::Unstarted),
            seed: context.seed,
            self_reported: Vec::new(),
            seconds: 0.0,
            killed: false,
        });
    });
}

/// `assert_eq!(yours, expected, "…")` in words: the sentence, then what came and what should have.
fn plainly(message: String) -> String {
    let parts = message
        .strip_prefix("assertion `left == right` failed: ")
        .and_then(|rest| rest.split_once("\n  left: "))
        .and_then(|(sentence, values)| Some((sentence, values.split_once("\n right: ")?)));
    match parts {
        Some((sentence, (yours, expected))) => {
            format!("{sentence}\n    yours:    {yours}\n    expected: {expected}")
        }
        None => message,
    }
}

pub(crate) fn message_of(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str()
        .unwrap_or("a panic without a message")
        .to_owned()
}

/// `exercises/memory/../../tests/memory.rs` is `tests/memory.rs`.
pub(crate) fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Ends the test as skipped, or failed where the requirement is one of `COURSE_REQUIRE`.
pub(crate) fn skip(requirement: &str, why: &str) {
    let required = std::env::var("COURSE_REQUIRE").unwrap_or_default();
    if required.split(',').any(|word| word.trim() == requirement) {
        infrastructure(format!("COURSE_REQUIRE asks for {requirement}, but {why}"));
    }
    CONTEXT.with_borrow_mut(|context| {
        context.report = Some(Report {
            test: context.test.clone(),
            status: Status::Skipped,
            message: why.to_owned(),
            why: None,
            section: None,
            seed: None,
            self_reported: Vec::new(),
            seconds: 0.0,
            killed: false,
        });
    });
}

/// Ends this process when a report is lost. The line on standard output would be taken for the verdict, and with a full disk that
/// may be a failure of ours.
const REPORT_LOST: i32 = 102;

/// Appends a report to the file that `CHECKS_REPORT` names.
pub(crate) fn append(report: &Report) {
    let Some(path) = std::env::var_os("CHECKS_REPORT") else {
        return;
    };
    let line = serde_json::to_string(report).expect("a report is plain data") + "\n";
    let written = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        eprintln!(
            "could not write to CHECKS_REPORT={}: {error}",
            path.display()
        );
        std::process::exit(REPORT_LOST);
    }
}
