//! What a learner reads when a test fails, and what a grader is told.

use crate::wire::Panic;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::Once;

/// Why a test did not simply pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// An assertion of the judge did not hold, or the learner's code panicked.
    Failed,
    /// The subject gave no answer in time.
    Timeout,
    /// The subject died: a signal, or an exit without an answer.
    Crash,
    /// The learner's `todo!` was reached: nothing has been written there yet.
    Unstarted,
    /// The test itself could not be carried out; says nothing about the learner's code.
    Infrastructure,
    /// Not run, for a stated reason; the test passes.
    Skipped,
}

/// A line of the file that `CHECKS_REPORT` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// `<step>::<test>`.
    pub test: String,
    /// What became of it.
    pub status: Status,
    /// What the learner is shown.
    pub message: String,
    /// What the failure means, where the test knows it.
    #[serde(default)]
    pub why: Option<String>,
    /// The section of the book that clears it up, as `memory.md#two-additions-one-lost`.
    pub section: Option<String>,
    /// The seed of the random inputs, if there were any.
    pub seed: Option<u64>,
}

/// A failure that is not an assertion's, on its way to the hook.
pub(crate) struct Failure {
    pub status: Status,
    pub message: String,
}

#[derive(Default)]
struct Context {
    seed: Option<u64>,
    section: Option<(String, String)>,
}

thread_local! {
    static CONTEXT: RefCell<Context> = RefCell::default();
}

pub(crate) fn seed() -> Option<u64> {
    CONTEXT.with_borrow(|context| context.seed)
}

pub(crate) fn remember_seed(seed: u64) {
    CONTEXT.with_borrow_mut(|context| context.seed = Some(seed));
}

/// Says what a failure from here on would mean, and which section of the book clears it up.
///
/// `section` is a page and a heading's id: `memory.md#join-before-you-read`.
pub fn explain(section: &str, misconception: &str) {
    CONTEXT.with_borrow_mut(|context| {
        context.section = Some((section.into(), misconception.into()));
    });
}

pub(crate) fn fail(status: Status, message: String) -> ! {
    std::panic::panic_any(Failure { status, message })
}

pub(crate) fn infrastructure(message: String) -> ! {
    fail(Status::Infrastructure, message)
}

/// The learner's code panicked: where, and what it said, first of all.
pub(crate) fn learner_panicked(panic: &Panic, output: &str) -> ! {
    let Panic { message, place } = panic;
    if let Some(todo) = message.strip_prefix("not yet implemented") {
        let todo = todo.trim_start_matches(": ");
        fail(
            Status::Unstarted,
            format!("Nothing is written here yet. Begin at {place}:\n    {todo}"),
        )
    }
    fail(
        Status::Failed,
        format!("Your code panicked at {place}:\n    {message}{output}"),
    )
}

/// Tests print for learners: the message, why, where to read on; no backtrace of the harness.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(hook)));
}

fn hook(info: &PanicHookInfo<'_>) {
    let failure = info.payload().downcast_ref::<Failure>();
    let asserted = failure.is_none();
    let (status, message) = match failure {
        Some(failure) => (failure.status, failure.message.clone()),
        None => (Status::Failed, plainly(message_of(info))),
    };
    let context = CONTEXT.with_borrow_mut(std::mem::take);
    let judged = matches!(status, Status::Failed | Status::Timeout | Status::Crash);
    let (section, misconception) = context.section.unzip();
    // What a test knows of a wrong answer says nothing of a panic or a hang.
    let why = misconception.filter(|_| asserted);
    // Who has not begun is sent to where the step begins, not to a detail of it.
    let section = section.filter(|section| judged || section.contains("#step-"));

    let mut text = format!("\n{message}\n\n");
    if let Some(why) = &why {
        let _ = writeln!(text, "  why     {why}");
    }
    if let Some(section) = &section {
        let _ = writeln!(text, "  read    src/{section}");
    }
    if let Some(seed) = context.seed
        && judged
    {
        let name = test_name();
        let _ = writeln!(text, "  replay  CHECKS_SEED={seed} cargo test -- {name}");
    }
    if let Some(place) = info.location()
        && asserted
        && !place.file().starts_with('/')
    // a check of ours, not the inside of a library
    {
        let _ = writeln!(text, "  check   {}:{}", tidy(place.file()), place.line());
    }
    eprintln!("{text}");
    report(&Report {
        test: test_name(),
        status,
        message,
        why,
        section,
        seed: context.seed,
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

/// libtest names the thread of a test after it.
fn test_name() -> String {
    std::thread::current().name().unwrap_or("main").to_owned()
}

fn report(report: &Report) {
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
    }
}

/// Tells, past the capture of libtest, that a test does not run here; a failure where it is required.
pub(crate) fn skip(requirement: &str, why: &str) {
    let required = std::env::var("COURSE_REQUIRE").unwrap_or_default();
    if required.split(',').any(|word| word.trim() == requirement) {
        infrastructure(format!("COURSE_REQUIRE asks for {requirement}, but {why}"));
    }
    let test = test_name();
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
    report(&Report {
        test,
        status: Status::Skipped,
        message: why.to_owned(),
        why: None,
        section: None,
        seed: None,
    });
}
