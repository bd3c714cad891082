//! What a learner reads: a line for each step, the most telling failure of a step in full, the others by name.

use super::Case;
use super::args::Options;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use wire::status::{Report, Status};

pub(super) fn help(slug: &str) {
    println!(
        "Tests of the chapter `{slug}`.\n\n\
         Usage: cargo test [-- [OPTIONS] [FILTERS…]]\n\n\
         FILTERS select the tests of a step, or those whose name contains one of them.\n\n\
         \x20 --exact             a filter is a whole name\n\
         \x20 --skip NAME         leaves out tests whose name contains NAME\n\
         \x20 --list              names the tests and ends\n\
         \x20 --verbose           shows every failure in full\n\
         \x20 --test-threads N    how many tests run at the same time"
    );
}

/// Names the tests as libtest's `--list` does.
pub(super) fn list(cases: &[Case], options: &Options) -> ExitCode {
    let mut text: String = cases.iter().map(|case| case.name() + ": test\n").collect();
    if !options.terse {
        text += &format!("\n{} tests, 0 benchmarks\n", cases.len());
    }
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(super) fn begin(slug: &str, count: usize) {
    let tests = if count == 1 { "test" } else { "tests" };
    say(&format!("\nrunning {count} {tests} of {slug}\n"));
}

/// Says that a filter selects nothing, and what may have been meant. No error: cargo hands a filter to every package's tests.
pub(super) fn unmatched(slug: &str, filter: &str, tests: &[(&str, String)]) {
    let mut steps: Vec<&str> = tests.iter().map(|(step, _)| *step).collect();
    steps.dedup();
    let offer = match nearest(filter, &steps, tests) {
        Some(near) => format!(": did you mean `{near}`?"),
        None => format!(
            ". The steps are {}; `cargo test -- --list` names the tests.",
            steps.join(", ")
        ),
    };
    say(&format!(
        "\nNo test of {slug} is called `{filter}`{offer}\n"
    ));
}

/// The step or the test whose name is most like this one. The tools have `files::names` for that, which every learner would have to
/// compile; `similar` is compiled anyway.
fn nearest<'a>(name: &str, steps: &[&'a str], tests: &'a [(&str, String)]) -> Option<&'a str> {
    const ALIKE: f32 = 0.6;
    let bare = |full: &'a str| full.split_once("::").map_or(full, |(_, bare)| bare);
    let full = tests.iter().map(|(_, full)| full.as_str());
    let mut known: Vec<&str> = steps.to_vec();
    known.extend(full.clone().chain(full.clone().map(bare)));
    let near = similar::get_close_matches(name, &known, 1, ALIKE).pop()?;
    if near == name {
        return None; // with `--exact`, a step is no test
    }
    match steps.contains(&near) {
        true => Some(near),
        false => full
            .into_iter()
            .find(|full| *full == near || bare(full) == near),
    }
}

/// Says what records progress, once a step has passed: `cargo test` records none.
pub(super) fn how_to_record(slug: &str, reports: &[Report]) {
    let passes = |reports: &[Report]| reports.iter().all(|one| one.status == Status::Passed);
    if by_step(reports).any(passes) {
        say(&format!(
            "`cargo course check {slug}` records what is solved and says what comes next.\n\n"
        ));
    }
}

/// With `--verbose`, and for whoever reads the reports, a line for each test, in order, as soon as it is known.
pub(super) fn progress(reports: &[Report], options: &Options) {
    thread_local! {
        static SAID: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    if !options.verbose && std::env::var_os("CHECKS_REPORT").is_none() {
        return;
    }
    for report in &reports[SAID.replace(reports.len())..] {
        say(&format!("test {} ... {}\n", report.test, word(report)));
    }
}

/// Prints the results; returns whether all tests passed.
pub(super) fn end(reports: &[Report], filtered: usize, taken: Duration, options: &Options) -> bool {
    let failed = reports.iter().filter(|report| fails(report)).count();
    let mut text = String::new();
    if !options.verbose {
        text += &steps(reports);
    }
    text += &failures(reports, options);
    text += &format!(
        "\ntest result: {}. {} passed; {failed} failed; 0 ignored; 0 measured; {filtered} filtered out; finished in {:.2}s\n\n",
        if failed == 0 { "ok" } else { "FAILED" },
        reports.len() - failed,
        taken.as_secs_f64()
    );
    say(&text);
    failed == 0
}

/// A line for each step.
fn steps(reports: &[Report]) -> String {
    let width = reports
        .iter()
        .map(|report| step(report).len())
        .max()
        .unwrap_or(0);
    by_step(reports)
        .map(|reports| {
            let passed = reports.iter().filter(|report| !fails(report)).count();
            let word = match worst(reports) {
                None => "ok",
                Some(report) if report.status == Status::Unstarted && passed == 0 => "not started",
                Some(report) if report.status == Status::Unstarted => "begun",
                Some(_) => "FAILED",
            };
            format!(
                "  {:<width$}  {passed:>2} of {:>2} passed   {word}\n",
                step(&reports[0]),
                reports.len()
            )
        })
        .collect()
}

/// The most telling failure of the first failing step in full, the other failures by name; with `--verbose` all in full.
fn failures(reports: &[Report], options: &Options) -> String {
    let mut text = String::new();
    let mut shown = false;
    for reports in by_step(reports) {
        let mut failing: Vec<&Report> = reports.iter().filter(|report| fails(report)).collect();
        failing.sort_by_key(|report| rank(report)); // stable: within a rank the list's order
        let Some(first) = failing.first() else {
            continue;
        };
        let unstarted = first.status == Status::Unstarted;
        for (index, report) in failing.iter().enumerate() {
            let full = options.verbose || (!shown && index == 0);
            if full {
                text += &format!("\n---- {} ----\n\n{}", report.test, full_text(report));
            } else if !unstarted {
                if index == 0 || (index == 1 && !options.verbose && !text.ends_with("FAILED\n")) {
                    text.push('\n');
                }
                text += &format!("test {} ... FAILED\n", report.test);
            }
        }
        shown = true;
    }
    let judged = reports
        .iter()
        .filter(|report| fails(report) && report.status != Status::Unstarted);
    if shown && !options.verbose && judged.count() > 1 {
        text += "\n`cargo test -- NAME` shows one failure in full, `cargo test -- --verbose` all of them.\n";
    }
    text
}

/// The message, why, where to read on, how to replay it.
fn full_text(report: &Report) -> String {
    let mut text = format!("{}\n", report.message);
    let mut lines = String::new();
    if let Some(why) = &report.why {
        lines += &format!("  why     {why}\n");
    }
    if let Some(section) = &report.section {
        lines += &format!("  read    src/{section}\n");
    }
    if let Some(seed) = report.seed
        && matches!(
            report.status,
            Status::Failed | Status::Crash | Status::Timeout | Status::OutputLimit
        )
    {
        lines += &format!(
            "  replay  CHECKS_SEED={seed} cargo test -- --exact {}\n",
            report.test
        );
    }
    if !lines.is_empty() {
        text += "\n";
        text += &lines;
    }
    text
}

fn by_step(reports: &[Report]) -> impl Iterator<Item = &[Report]> {
    reports.chunk_by(|a, b| step(a) == step(b))
}

fn step(report: &Report) -> &str {
    report.test.split("::").next().unwrap_or_default()
}

fn worst(reports: &[Report]) -> Option<&Report> {
    reports
        .iter()
        .filter(|report| fails(report))
        .min_by_key(|report| rank(report))
}

/// What was written and is wrong comes before what isn't written yet, and a timeout, which says least, last of it.
fn rank(report: &Report) -> (bool, Status) {
    (report.status == Status::Unstarted, report.status)
}

fn fails(report: &Report) -> bool {
    !matches!(report.status, Status::Passed | Status::Skipped)
}

fn word(report: &Report) -> &'static str {
    match report.status {
        Status::Passed | Status::Skipped => "ok",
        _ => "FAILED",
    }
}

/// A reader that has gone away is no reason to fail a test, nor to pass one.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
