//! The `main` of a chapter's test binary: runs a subject when a judge asks for one, otherwise the tests.
//!
//! It replaces libtest (`harness = false`) for three reasons. A subject needs a process with one thread, and libtest's `main`
//! starts more. A learner who has written nothing gets one line for each step, not one screen for each test. And a step that
//! fails shows its most telling failure in full, the others by name.
//!
//! The command line is libtest's, as far as cargo, nextest and editors use it.

mod args;
mod print;
mod runner;

use crate::subject::{self, Entry};
use std::process::ExitCode;

/// The tests of one chapter, for a learner's crate `L`.
pub struct Chapter<L: 'static> {
    /// The chapter's slug, which names every place of it.
    pub slug: &'static str,
    /// In the order in which they are solved.
    pub steps: &'static [Step<L>],
}

/// The tests of one step.
pub struct Step<L: 'static> {
    /// The step's name, which is that of its module and of the learner's file.
    pub name: &'static str,
    /// What a subject can be asked to run.
    pub entries: &'static [Entry<L>],
    /// The tests, the most telling first.
    pub tests: &'static [Test],
    /// What takes a while to start, such as a Python: begun in the background when any of the tests is to run.
    pub prepare: Option<fn()>,
    /// Why the step needs Linux, if it does: elsewhere its tests are skipped.
    pub linux: Option<&'static str>,
}

/// A test: a function that panics when the learner's code is wrong.
pub struct Test {
    /// The function's name.
    pub name: &'static str,
    /// The function.
    pub run: fn(),
}

/// A test and the step it belongs to.
pub(crate) struct Case {
    pub step: &'static str,
    pub linux: Option<&'static str>,
    pub test: &'static Test,
}

impl Case {
    pub fn name(&self) -> String {
        format!("{}::{}", self.step, self.test.name)
    }
}

/// Runs the chapter's tests on `learner`, or one of its subjects if this process was started as one.
///
/// Call it first in `main`: a subject must have a single thread.
#[must_use]
pub fn run<L: Copy>(chapter: &Chapter<L>, learner: L) -> ExitCode {
    if let Some(judge) = subject::requested() {
        let entries = chapter.steps.iter().flat_map(|step| step.entries);
        subject::serve(judge, entries, learner);
    }
    let cases = chapter
        .steps
        .iter()
        .flat_map(|step| {
            step.tests.iter().map(|test| Case {
                step: step.name,
                linux: step.linux,
                test,
            })
        })
        .collect();
    let prepare = chapter
        .steps
        .iter()
        .filter_map(|step| Some((step.name, step.prepare?)));
    judge(chapter.slug, cases, prepare.collect())
}

/// Not generic, so it is compiled once and not for each learner's edit.
fn judge(slug: &str, cases: Vec<Case>, prepare: Vec<(&str, fn())>) -> ExitCode {
    let options = match args::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        print::help(slug);
        return ExitCode::SUCCESS;
    }
    let all = cases.len();
    let steps: Vec<&str> = cases.iter().map(|case| case.step).collect();
    let names: Vec<_> = cases.iter().map(|case| (case.step, case.name())).collect();
    let cases: Vec<Case> = cases
        .into_iter()
        .filter(|case| options.wants(&steps, &case.name()))
        .collect();
    if options.list {
        return print::list(&cases, &options);
    }
    crate::failure::prepare();
    crate::judge::withhold_memory();
    let begin = std::time::Instant::now();
    for (step, prepare) in prepare {
        if cases.iter().any(|case| case.step == step) {
            std::thread::spawn(prepare);
        }
    }
    let filtered = all - cases.len();
    print::begin(slug, cases.len());
    if !options.ignored_only {
        for filter in options.unmatched(&names) {
            print::unmatched(slug, filter, &names);
        }
    }
    let reports = runner::run(&cases, options.threads, |reports| {
        print::progress(reports, &options);
    });
    crate::judge::end();
    let passed = print::end(&reports, filtered, begin.elapsed(), &options);
    if is_exercise(slug) {
        print::how_to_record(slug, &reports);
    }
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101) // what libtest exits with, which cargo and the grader know
    }
}

/// Whether cargo tests a learner's crate, and nobody reads the reports: not a solution, not in `cargo course check`.
fn is_exercise(slug: &str) -> bool {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(std::path::PathBuf::from);
    package.is_some_and(|package| package.ends_with(std::path::Path::new("exercises").join(slug)))
        && std::env::var_os("CHECKS_REPORT").is_none()
}
