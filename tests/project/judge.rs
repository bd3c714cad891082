//! The judge itself: whatever a subject does, the verdict is the judge's, and a learner can read it.
//!
//! Runs the tests of `victims.rs`, which go wrong on purpose.

use std::process::{Command, Output};
use wire::status::{Report, Status};

/// Runs tests by name, as the grader would.
fn run(tests: &[&str], environment: &[(&str, &str)]) -> (Output, Vec<Report>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let report = folder.path().join("report.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_victims"))
        .arg("--exact")
        .args(tests)
        .env("CHECKS_REPORT", &report)
        .env("RUST_BACKTRACE", "1")
        .env_remove("CHECKS_SEED")
        .env_remove("COURSE_REQUIRE")
        .envs(environment.iter().copied())
        .output()
        .expect("the victims can be started");
    let lines = std::fs::read_to_string(&report).unwrap_or_default();
    let reports = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a report is JSON"))
        .collect();
    (output, reports)
}

/// Runs a victim that fails; returns its report and what the learner's screen shows.
fn fail(victim: &str) -> (Report, String) {
    fail_in("victim", victim)
}

fn fail_in(step: &str, victim: &str) -> (Report, String) {
    let (output, mut reports) = run(&[&format!("{step}::{victim}")], &[]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(101), "{shown}");
    assert_eq!(reports.len(), 1, "{reports:?}\n{shown}");
    assert!(!shown.contains("stack backtrace"), "{shown}");
    assert!(!shown.contains("RUST_BACKTRACE"), "{shown}");
    (reports.remove(0), shown)
}

#[track_caller]
fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "there is no {part:?} in:\n{text}");
}

#[test]
fn what_is_right_passes() {
    let output = Command::new(env!("CARGO_BIN_EXE_victims"))
        .arg("right::")
        .output()
        .expect("the victims can be started");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert_contains(&shown, "6 passed; 0 failed");
}

/// What the victims' binary shows of a run, and whether that was a success.
fn shown(args: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_victims"))
        .args(args)
        .env_remove("CHECKS_REPORT")
        .envs(environment.iter().copied())
        .output()
        .expect("the victims can be started");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), shown)
}

#[test]
fn a_filter_that_selects_no_test_is_named_with_what_was_meant() {
    for (args, remark) in [
        (
            &["rihgt"][..],
            "No test of victims is called `rihgt`: did you mean `right`?",
        ),
        (
            &["right::a_right_answer_comes_bakc"],
            "did you mean `right::a_right_answer_comes_back`?",
        ),
        (
            &["a_right_anser_comes_back"],
            "did you mean `right::a_right_answer_comes_back`?",
        ),
        (
            &["xyz"],
            "No test of victims is called `xyz`. The steps are right, victim, untouched",
        ),
        (
            &["--exact", "right"],
            "No test of victims is called `right`. The steps are",
        ),
    ] {
        let (success, shown) = shown(args, &[]);
        assert!(success, "it may be the name of a test in another package");
        assert_contains(&shown, "running 0 tests of victims\n");
        assert_contains(&shown, remark);
    }
    let name = "right::a_right_answer_comes_back";
    let (_, both) = shown(&[name, "wrnog"], &[]);
    assert_contains(&both, "running 1 test of victims\n");
    assert_contains(&both, "No test of victims is called `wrnog`");
    for silent in [&[name][..], &["--list", "xyz"], &["--ignored", name]] {
        let (_, shown) = shown(silent, &[]);
        assert!(!shown.contains("No test of"), "{shown}");
    }
}

#[test]
fn a_learner_who_passes_is_told_what_records_it() {
    let remark = "`cargo course check victims` records what is solved";
    let here = |folder| [("CARGO_MANIFEST_DIR", folder)];
    let (_, told) = shown(&["right"], &here("/course/exercises/victims"));
    assert_eq!(told.matches(remark).count(), 1, "{told}");
    for (args, folder) in [
        (&["right"][..], "/course/solutions/victims"),
        (&["victim::wrong"], "/course/exercises/victims"),
        (&["rihgt"], "/course/exercises/victims"),
    ] {
        let (_, told) = shown(args, &here(folder));
        assert!(!told.contains(remark), "{told}");
    }
    let report = [
        ("CARGO_MANIFEST_DIR", "/course/exercises/victims"),
        ("CHECKS_REPORT", "/dev/null"),
    ];
    let (_, recorded) = shown(&["right"], &report);
    assert!(!recorded.contains(remark), "{recorded}");
}

#[test]
fn a_passed_test_has_a_report_too() {
    let (output, reports) = run(&["right::a_right_answer_comes_back"], &[]);
    assert!(output.status.success());
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].status, Status::Passed);
}

#[test]
fn a_wrong_answer_fails_with_both_values_and_what_was_printed() {
    let (report, shown) = fail("wrong");
    assert_eq!(
        (report.status, report.test.as_str()),
        (Status::Failed, "victim::wrong")
    );
    for part in [
        "two and two",
        "yours:    4",
        "expected: 5",
        "add printed",
        "adding 2 and 2",
    ] {
        assert_contains(&shown, part);
    }
}

#[test]
fn a_failure_names_misconception_section_and_seed_and_the_seed_replays() {
    let (first, shown) = fail("explained");
    assert_eq!(first.section.as_deref(), Some("memory.md#copy-on-write"));
    assert_contains(&shown, "A misconception.");
    let seed = first.seed.expect("there were random inputs").to_string();
    assert_contains(&shown, &format!("CHECKS_SEED={seed}"));
    let (_, again) = run(&["victim::explained"], &[("CHECKS_SEED", &seed)]);
    assert_eq!(again[0].message, first.message);
    let (_, other) = run(&["victim::explained"], &[("CHECKS_SEED", "1")]);
    assert_ne!(other[0].message, first.message);
}

#[test]
fn a_seed_that_is_no_number_is_not_the_learners_fault() {
    let (_, reports) = run(&["victim::explained"], &[("CHECKS_SEED", "many")]);
    assert_eq!(reports[0].status, Status::InfrastructureError);
    assert_contains(&reports[0].message, "many");
}

#[test]
fn deaths_are_named() {
    for (victim, how) in [
        ("exit_zero", "exited with code 0 before it returned"),
        ("exit_seven", "exited with code 7"),
        // What the harness's own side exits with is no excuse.
        ("exit_as_the_harness", "exited with code 102"),
        ("too_talkative", "more messages than the test asked for"),
        ("abort", "killed by SIGABRT"),
        ("stack", "has overflowed its stack"),
        #[cfg(target_os = "linux")] // elsewhere the limit isn't kept
        ("memory", "killed by SIGABRT"),
        (
            "dies_midway",
            "exited with code 0 before it returned, after 2 messages",
        ),
    ] {
        let (report, _) = fail(victim);
        assert_eq!(report.status, Status::Crash, "{victim}");
        assert_contains(&report.message, how);
    }
}

#[test]
#[cfg(target_os = "linux")] // elsewhere nobody tells where a process waits
fn a_hang_is_ended_in_time_and_says_where_it_waits() {
    let begin = std::time::Instant::now();
    for (victim, where_it_waits) in [
        ("sleep", "it sleeps"),
        (
            "child_that_sleeps",
            "it waits for a child process or reads from a pipe; a child process sleeps",
        ),
        (
            "child_that_reads",
            "from a pipe; a child process reads from a pipe.",
        ),
    ] {
        let (report, _) = fail(victim);
        assert_eq!(report.status, Status::Timeout);
        if std::fs::read_to_string("/proc/self/wchan").is_ok_and(|channel| channel != "0") {
            assert_contains(&report.message, where_it_waits);
        }
    }
    assert!(begin.elapsed().as_secs() < 60);
}

/// Far more than any of these may take: 12 s, and what a busy machine adds.
#[cfg(target_os = "linux")]
const BOUND: std::time::Duration = std::time::Duration::from_secs(45);

#[test]
#[cfg(target_os = "linux")]
fn a_subject_that_has_the_connection_cannot_hold_up_its_judge() {
    std::thread::scope(|scope| {
        for (victim, status, how) in [
            ("byte_by_byte", Status::Timeout, "did not return in time"),
            ("half_a_length", Status::Timeout, "did not return in time"),
            ("too_long", Status::Crash, "a message of 4294967295 bytes"),
            ("endless_progress", Status::Timeout, "nearly done"),
            ("closed", Status::Crash, "closed its connection"),
            ("all_closed", Status::Crash, "closed its connection"),
            ("left_to_a_child", Status::Crash, "exited with code 7"),
            ("untaken", Status::Timeout, "did not return in time"),
            ("stopped", Status::Timeout, "it is stopped"),
        ] {
            scope.spawn(move || {
                let begin = std::time::Instant::now();
                let (report, _) = fail_in("forged", victim);
                assert_eq!(report.status, status, "{victim}: {}", report.message);
                assert_contains(&report.message, how);
                assert!(begin.elapsed() < BOUND, "{victim}: {:?}", begin.elapsed());
            });
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_count_that_only_the_subject_keeps_is_its_own_word() {
    let (report, _) = fail_in("forged", "honest_count");
    assert_eq!(report.status, Status::Failed);
    // A hole in safe Rust, which no sandbox closes: what counts has to be seen from outside.
    let (_, reports) = run(&["forged::forged_count"], &[]);
    assert_eq!(reports[0].status, Status::Passed);
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_is_lost_ends_the_judge() {
    let (output, _) = run(&["victim::wrong"], &[("CHECKS_REPORT", "/dev/full")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(102), "{said}");
    assert_contains(
        &said,
        "could not write to CHECKS_REPORT=/dev/full: No space left",
    );
    // Nobody may take a line without a report for a verdict.
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(!shown.contains("FAILED"), "{shown}");
}

#[test]
fn one_hang_does_not_shorten_the_time_of_the_next() {
    let seconds = |reports: Vec<Report>| reports.last().expect("a report").seconds;
    let (_, alone) = run(&["victim::sleep"], &[]);
    let (_, both) = run(
        &["victim::sleep", "victim::child_that_sleeps"],
        &[("RUST_TEST_THREADS", "1")],
    );
    let (alone, second) = (seconds(alone), seconds(both));
    assert!(
        second > 0.9 * alone,
        "{alone} s alone, {second} s as the second"
    );
}

#[test]
fn a_flood_is_cut_off() {
    let (report, shown) = fail("flood");
    assert_eq!(report.status, Status::OutputLimit);
    assert_contains(&report.message, "printed more than");
    assert!(shown.len() < 100_000, "{} bytes", shown.len());
}

#[test]
fn the_learners_panic_comes_first_and_keeps_its_section() {
    let (report, shown) = fail("panic");
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.section.as_deref(), Some("memory.md#copy-on-write"));
    let at = |part: &str| {
        shown
            .find(part)
            .unwrap_or_else(|| panic!("no {part:?} in {shown}"))
    };
    assert!(at("project/victims.rs:") < at("about to panic"), "{shown}");
    assert!(
        at("the learner's message") < at("about to panic"),
        "{shown}"
    );
}

#[test]
fn the_panic_of_a_thread_is_shown_not_that_of_whoever_joined_it() {
    let (report, _) = fail("thread_panic");
    let second = report.message.lines().nth(1).unwrap_or_default();
    assert_contains(second, "the thread's own message");
}

#[test]
fn the_panic_of_a_child_names_its_line() {
    let (report, _) = fail("child_panic");
    assert_contains(&report.message, "the child's own message");
    assert_contains(&report.message, "project/victims.rs:");
}

#[test]
fn a_todo_says_where_to_begin_and_once_for_a_step() {
    let (output, reports) = run(&["untouched::todo", "untouched::todo_again"], &[]);
    assert!(
        reports
            .iter()
            .all(|report| report.status == Status::Unstarted)
    );
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_contains(&shown, "Begin at ");
    assert_contains(&shown, "project/victims.rs:");
    assert_contains(&shown, "src/memory.md#step-1-lost-updates");
    assert_eq!(shown.matches("count the threads").count(), 1, "{shown}");
    assert_contains(&shown, "0 of  2 passed   not started");
}

#[test]
fn a_failing_step_shows_one_failure_in_full_and_timeouts_last() {
    let (output, _) = run(
        &[
            "victim::sleep",
            "victim::exit_seven",
            "victim::wrong",
            "victim::explained",
        ],
        &[],
    );
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(shown.matches("\n---- ").count(), 1, "{shown}");
    let at = |part: &str| {
        shown
            .rfind(part)
            .unwrap_or_else(|| panic!("no {part:?} in {shown}"))
    };
    assert!(
        at("---- victim::wrong ----") < at("test victim::explained ... FAILED"),
        "{shown}"
    );
    assert!(
        at("test victim::explained ... FAILED") < at("test victim::exit_seven ... FAILED"),
        "{shown}"
    );
    assert!(
        at("test victim::exit_seven ... FAILED") < at("test victim::sleep ... FAILED"),
        "{shown}"
    );
}

#[test]
fn a_losing_schedule_is_shown_saved_and_replayed() {
    let (report, _) = fail("race");
    let message = &report.message;
    assert_contains(message, "the result was 1; it must be 2");
    assert_contains(message, "counter    reads 0");
    let path = message
        .lines()
        .find_map(|line| line.trim().strip_prefix("saved   "))
        .and_then(|line| line.split_once(" in the course's folder, "))
        .map(|(path, _)| path)
        .expect("the path is shown");
    let book = include_str!("../../src/memory/exercise.md");
    let (_, stepper) = book
        .split_once("\n### How to read a failing schedule\n")
        .expect("the message names a section that exists");
    assert_contains(
        message,
        "stepper of Memory's exercise, under \"How to read a failing schedule\"",
    );
    let section = stepper.split("\n## ").next().unwrap_or_default();
    assert_contains(section, "<course-stepper>");
    // Named from the course's folder, where the target folder of a plain `cargo test` is.
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path);
    let saved: wire::schedule::Schedule =
        serde_json::from_str(&std::fs::read_to_string(path).expect("it was saved")).expect("JSON");
    assert_eq!(saved.threads, ["main", "A", "B"]);
    assert_eq!(saved.outcome, "1");
    let zero = wire::schedule::Op::Load { value: "0".into() };
    assert_eq!(saved.steps.iter().filter(|step| step.op == zero).count(), 2);
    let seed = report.seed.expect("exploring is random").to_string();
    let (_, again) = run(&["victim::race"], &[("CHECKS_SEED", &seed)]);
    assert_eq!(again[0].message, report.message);
    // A marked run ends in a sandbox that nobody can look into afterwards.
    let unsaved = [
        ("CHECKS_SEED", seed.as_str()),
        ("CHECKS_SAVE_SCHEDULES", "no"),
    ];
    let (_, marked) = run(&["victim::race"], &unsaved);
    let shown = report.message.split("\n  saved ").next();
    assert_eq!(Some(marked[0].message.as_str()), shown);
}

#[test]
fn deadlocks_endless_loops_and_panics_under_a_schedule_are_outcomes() {
    let (report, _) = fail("deadlock");
    assert_contains(&report.message, "deadlock");
    assert_contains(&report.message, "lock 2");
    let (report, _) = fail("spin");
    assert_contains(&report.message, "no end after");
    let (report, _) = fail("panic_under_a_schedule");
    assert_contains(&report.message, "the learner's own assertion");
    assert_contains(&report.message, "project/victims.rs:");
    assert!(
        !report.message.contains("original panic"),
        "{}",
        report.message
    );
}

#[test]
fn a_snapshot_that_differs_tells_a_learner_nothing_of_insta() {
    let (report, shown) = fail("snapshot");
    assert_contains(&report.message, "+ something else");
    assert_contains(&report.message, "- [A, A, B, B] -> 2");
    assert!(!shown.contains("insta"), "{shown}");
}

#[test]
fn a_missing_python_is_a_skip_unless_it_is_required() {
    let nowhere = ("CHECKS_PYTHON", "/nowhere/python3");
    let (output, reports) = run(&["victim::skipped"], &[nowhere]);
    assert!(output.status.success());
    assert_eq!(reports[0].status, Status::Skipped);
    assert_contains(
        &String::from_utf8_lossy(&output.stderr),
        "skipped: victim::skipped",
    );
    let (output, reports) = run(
        &["victim::skipped"],
        &[nowhere, ("COURSE_REQUIRE", "chromium,python")],
    );
    assert!(!output.status.success());
    assert_eq!(reports[0].status, Status::InfrastructureError);
}

#[test]
fn a_subject_that_cannot_be_started_is_not_the_learners_fault() {
    // A binary that is missing, and one that knows nothing of judges.
    for subject in ["/nowhere/subject", "/bin/true"] {
        let (_, reports) = run(&["victim::wrong"], &[("CHECKS_SUBJECT", subject)]);
        assert_eq!(reports[0].status, Status::InfrastructureError, "{subject}");
    }
}

#[test]
fn tests_are_listed_as_cargo_and_nextest_expect() {
    let list = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_victims"))
            .args(arguments)
            .output()
            .expect("the victims can be started");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = list(&["--list", "--format", "terse"]);
    assert_contains(&text, "victim::wrong: test\n");
    assert!(!list(&["--list", "--format", "terse", "--ignored"]).contains(": test"));
    let unknown = Command::new(env!("CARGO_BIN_EXE_victims"))
        .arg("--nonsense")
        .output()
        .expect("the victims can be started");
    assert_eq!(unknown.status.code(), Some(2));
}
