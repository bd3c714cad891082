//! The learner's commands, run as a learner runs them, in a tiny course.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};
use support::{Course, ONE, ONE_SOLVED, Ran, TWO, TWO_SOLVED};

/// Far longer than anything here takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

// check

#[test]
fn a_fresh_starter_is_told_where_to_begin() {
    let course = Course::new();
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "Alpha: the first letter\n\n",
            "  · one  not started\n",
            "  · two  not started\n",
            "\nBegin with one.\n\n",
            "    exercises/alpha/src/one.rs:5:5:\n    not yet implemented: answer one\n",
            "\n  read    \"Step 1: one\"  src/alpha.md:3\n",
            "  stuck?  cargo course hint one\n",
            "  0 of 2 steps solved\n",
        ],
    );
    assert!(!ran.out.contains('\x1b'), "colours in a pipe: {}", ran.out);
    assert!(
        !ran.out.contains("replay"),
        "there is nothing to replay: {}",
        ran.out
    );
    assert!(
        !course.path("progress.toml").exists(),
        "nothing was done, so there is nothing to note"
    );
}

#[test]
fn solving_step_by_step_ends_with_success() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "alpha"]).says(
        1,
        &[
            "✓ one  solved: 2 tests\n",
            "· two  not started\n",
            "Next: two.\n",
            "\"Step 2: two\"",
            "1 of 2 steps solved",
        ],
    );
    course.answer("two", TWO_SOLVED);
    course.run(&["check"]).says(
        0,
        &[
            "✓ one  2 tests\n",
            "✓ two  solved: 1 test\n",
            "Every step of Alpha is solved.",
            "2 of 2 steps solved",
        ],
    );
    let progress = course.read("progress.toml");
    assert!(
        progress.contains("[alpha.one]\nsolved = \"20") && progress.contains("[alpha.two]\nsolved"),
        "{progress}"
    );
}

#[test]
fn a_wrong_answer_is_explained_and_the_steps_after_it_are_not() {
    let course = Course::new();
    course.answer("one", &ONE_SOLVED.replace("    1\n", "    2\n"));
    course.answer(
        "two",
        "//! Two.\n/// Two.\npub fn two(n: u32) -> u32 {\n    n\n}\n",
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "✗ one  1 of 2 tests passed\n      ✓ it_answers\n      ✗ it_is_one\n",
            "✗ two  0 of 1 test passed\n\n", // no lines for its tests: one thing at a time
            "one::it_is_one failed.\n\n",
            "assertion `left == right` failed: one is one\n",
            "\n\n  why     One is the first number.\n\
             \x20 read    \"What one is\"  src/alpha.md:7\n\
             \x20 replay  CHECKS_SEED=7 cargo test -p alpha -- one::it_is_one\n\
             \x20 open    exercises/alpha/src/one.rs\n\
             \x20 stuck?  cargo course hint one\n",
        ],
    );
    assert!(!ran.out.contains("two::"), "{}", ran.out);
    assert!(
        course
            .read("progress.toml")
            .contains("[alpha.one]\npassed = 1\ntotal = 2\n")
    );
}

#[test]
fn what_does_not_compile_shows_what_the_compiler_says() {
    let course = Course::new();
    course.answer(
        "one",
        "//! One.\n/// One.\npub fn one() -> u32 {\n    \"one\"\n}\n",
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "error[E0308]: mismatched types",
            "alpha/src/one.rs:4:5",
            "It does not compile yet",
            "0 of 2 steps solved",
        ],
    );
    assert!(!course.path("progress.toml").exists());
}

#[test]
fn warnings_are_shown_beside_the_verdict() {
    let course = Course::new();
    course.answer(
        "one",
        &ONE_SOLVED.replace("    1\n", "    let unused = 2;\n    1\n"),
    );
    course
        .run(&["check"])
        .says(1, &["✓ one", "unused variable: `unused`", "Next: two."]);
}

#[test]
fn an_answer_that_hangs_is_a_timeout() {
    let course = Course::new();
    course.answer(
        "one",
        &ONE_SOLVED.replace(
            "    1\n",
            "    loop {\n        std::thread::park();\n    }\n",
        ),
    );
    let ran = Ran::of(
        course
            .command(&["check"])
            .env("ALPHA_PATIENCE", "0.3")
            .output()
            .unwrap(),
    );
    ran.says(
        1,
        &[
            "✗ one  0 of 2 tests passed\n",
            "✗ it_answers (timeout)\n",
            "one::it_answers got no answer in time.",
            "no answer",
        ],
    );
}

#[test]
fn an_answer_that_ends_its_process_is_said_in_words() {
    let course = Course::new();
    course.answer(
        "one",
        &ONE_SOLVED.replace("    1\n", "    panic!(\"exit code 0\")\n"),
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "✗ it_answers (ended before it answered)\n",
            "one::it_answers got no answer: your code ended first.\n",
            "exit code 0",
            "  replay  CHECKS_SEED=7 cargo test -p alpha -- one::it_answers\n",
        ],
    );
    assert!(!ran.out.contains("why  "), "{}", ran.out);
}

#[test]
fn one_step_alone_can_be_judged() {
    let course = Course::new();
    course.answer("two", TWO_SOLVED);
    let ran = course.run(&["check", "two"]);
    ran.says(
        0,
        &[
            "Alpha: the first letter\n\n  ✓ two  solved: 1 test\n\n",
            "two is solved.\n\n  compare  cargo course solution two --diff\n",
            "  go on    exercises/alpha/src/one.rs, then `cargo course check one`\n",
            "1 of 2 steps solved\n",
        ],
    );
    assert!(
        !ran.out.contains("not started") && !course.read("progress.toml").contains("[alpha.one]"),
        "{ran:?}"
    );
    for step in ["one", "1", "alpha::one", "exercises/alpha/src/one.rs"] {
        let ran = course.run(&["check", step]);
        ran.says(1, &["· one  not started\n\nBegin with one.\n"]);
        assert!(!ran.out.contains("two"), "{step}: {}", ran.out);
    }
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "one"]).says(
        0,
        &[
            "✓ one  solved: 2 tests\n",
            "Every step of Alpha is solved.\n",
            "2 of 2 steps solved",
        ],
    );
}

#[test]
fn when_all_is_solved_a_step_is_asked_for_and_nothing_is_wrong() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.answer("two", TWO_SOLVED);
    course.run(&["check"]);
    let files =
        || ["one", "two"].map(|step| course.read(&format!("exercises/alpha/src/{step}.rs")));
    let before = (files(), course.read("progress.toml"));
    for command in ["hint", "solution", "reset"] {
        let ran = course.run(&[command]);
        let said = format!(
            "Every step of Alpha is solved. Name a step, as in `cargo course {command} one`.\n"
        );
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (Some(0), said.as_str(), ""),
            "{command}"
        );
    }
    assert_eq!((files(), course.read("progress.toml")), before);
    course.run(&["solution", "one"]).says(0, &[ONE_SOLVED]);
}

#[test]
fn a_skipped_test_is_no_pass() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.answer(
        "two",
        "//! Two.\n/// Two.\npub fn two(_: u32) -> u32 {\n    panic!(\"no python3 here\")\n}\n",
    );
    let ran = course.run(&["check"]);
    ran.says(
        1,
        &[
            "- two  0 of 1 test, the others skipped",
            "two::it_doubles could not run on this machine.",
            "no python3 here",
        ],
    );
    assert!(
        !course.read("progress.toml").contains("[alpha.two]\nsolved"),
        "{}",
        course.read("progress.toml")
    );
}

#[test]
fn an_edit_makes_a_solved_step_unchecked() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]);
    course.run(&["hint"]).says(0, &["alpha, two: hint 1 of 3"]);
    course.answer("one", &format!("// once more\n{ONE_SOLVED}"));
    course.run(&["hint"]).says(0, &["alpha, one: hint 1 of 3"]);
    course
        .run(&["check"])
        .says(1, &["✓ one  2 tests", "1 of 2 steps solved"]);
}

#[test]
fn the_day_a_step_was_first_solved_stays() {
    let course = Course::new();
    let first = "solved = \"2026-01-02T03:04:05Z\"";
    course.write(
        "progress.toml",
        &format!("version = 1\n[alpha.one]\n{first}\n"),
    );
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]).says(1, &["✓ one  2 tests\n"]);
    let progress = course.read("progress.toml");
    assert!(
        progress.contains(first) && progress.contains("passed = 2\ntotal = 2\n"),
        "{progress}"
    );
}

#[test]
fn progress_can_be_carried_to_another_machine() {
    let (here, there) = (Course::new(), Course::new());
    here.answer("one", ONE_SOLVED);
    here.run(&["check"]);
    there.write("progress.toml", &here.read("progress.toml"));
    there.answer("one", ONE_SOLVED);
    there.run(&["hint"]).says(0, &["alpha, two: hint 1 of 3"]);
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let course = Course::new();
    let forced = Ran::of(
        course
            .command(&["check"])
            .env("CLICOLOR_FORCE", "1")
            .output()
            .unwrap(),
    );
    forced.says(1, &["\x1b[1mAlpha: the first letter\x1b[0m"]);
    let refused = course
        .command(&["check"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let refused = Ran::of(refused);
    assert!(!refused.out.contains('\x1b'), "{refused:?}");
}

#[test]
fn an_unknown_name_is_answered_with_those_there_are() {
    Course::new()
        .run(&["check", "beta"])
        .fails("no chapter or step is called `beta` (there are: alpha, alpha::one, alpha::two)");
    Course::new()
        .run(&["bench", "beta"])
        .fails("no exercise is called `beta` (there is: alpha)");
}

#[test]
fn a_corrupt_progress_file_is_named_and_kept() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    let corrupt = "version = 1\n[alpha.one\n";
    course.write("progress.toml", corrupt);
    for command in [
        &["check"][..],
        &["hint"],
        &["watch"],
        &["solution", "one", "--give-up"],
    ] {
        let ran = course.run(command);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(1), ""),
            "{command:?} {ran:?}"
        );
        let line = format!(
            "error: {}: line 2: ",
            course.path("progress.toml").display()
        );
        assert!(
            ran.err.starts_with(&line) && ran.err.lines().count() == 1,
            "{ran:?}"
        );
        assert_eq!(course.read("progress.toml"), corrupt, "{command:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_ends_a_check_with_all_that_it_started() {
    let course = Course::new();
    let pids = course.path("pids");
    course.answer("one", &hanging(&pids));
    let running = Running::start(course.command(&["check"]));
    wait_for_pids(&pids, 1);
    let ran = running.interrupt();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert_gone(&wait_for_pids(&pids, 1));
    assert!(!course.path("progress.toml").exists());
}

// watch

#[test]
#[cfg(target_os = "linux")]
fn watch_checks_on_each_save_and_ends_on_ctrl_c() {
    let course = Course::new();
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "0 of 2 steps solved");
    wait_for(&lines, "Waiting for the next save");
    course.answer("one", ONE_SOLVED);
    wait_for(&lines, "✓ one  solved: 2 tests");
    wait_for(&lines, "Waiting for the next save");
    // Editors write a new file and rename it; what they leave beside it is no save.
    course.write("exercises/alpha/src/.two.rs.swp", "x");
    course.write("two.new", TWO_SOLVED);
    fs::rename(
        course.path("two.new"),
        course.path("exercises/alpha/src/two.rs"),
    )
    .unwrap();
    wait_for(&lines, "Every step of Alpha is solved.");
    wait_for(&lines, "2 of 2 steps solved");
    wait_for(&lines, "Waiting for the next save");
    let ran = running.interrupt();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn watch_shows_the_step_that_was_saved_before_the_others() {
    let course = Course::new();
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", &TWO_SOLVED.replace("2 * n", "n"));
    let said = wait_for(&lines, "Waiting for the next save");
    let place = |what: &str| {
        let found = said.iter().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what:?}: {said:#?}"))
    };
    assert!(
        place("✗ two") < place("two::it_doubles failed."),
        "{said:#?}"
    );
    assert!(
        place("two::it_doubles failed.") < place("· one  not started"),
        "{said:#?}"
    );
    assert_eq!(running.interrupt().code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_save_during_a_run_starts_it_anew() {
    let course = Course::new();
    let (first, second) = (course.path("first"), course.path("second"));
    course.answer("one", &hanging(&first));
    let (running, lines) = watch(&course, &[]);
    wait_for_pids(&first, 1);
    course.answer("one", &hanging(&second)); // nobody waits for the first to time out
    wait_for_pids(&second, 1);
    assert_gone(&wait_for_pids(&first, 1));
    let ran = running.interrupt();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_gone(&wait_for_pids(&second, 1));
    assert!(!lines.iter().any(|line| line.contains("timeout")));
}

#[test]
#[cfg(target_os = "linux")]
fn watch_outlives_a_broken_state_and_goes_on_after_the_next_save() {
    let course = Course::new();
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "Waiting for the next save");
    course.write("progress.toml", "version = ");
    course.answer("one", ONE_SOLVED);
    wait_for(&lines, "progress.toml: line 1: ");
    wait_for(&lines, "Waiting for the next save");
    fs::remove_file(course.path("progress.toml")).unwrap();
    course.answer("two", TWO_SOLVED);
    wait_for(&lines, "Every step of Alpha is solved.");
    assert_eq!(running.interrupt().code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn watch_stays_with_the_step_it_was_given() {
    let course = Course::new();
    let (running, lines) = watch(&course, &["two"]);
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", TWO_SOLVED);
    wait_for(&lines, "two is solved.");
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", TWO);
    let seen = wait_for(&lines, "Waiting for the next save");
    assert!(
        seen.iter().any(|line| line.contains("· two  not started")),
        "{seen:?}"
    );
    assert!(!seen.iter().any(|line| line.contains("· one")), "{seen:?}");
    assert_eq!(running.interrupt().code, Some(0));
}

// hint

#[test]
fn each_hint_is_one_more_and_the_last_says_where_to_go() {
    let course = Course::new();
    course
        .run(&["hint", "one", "--again"])
        .fails("no hint for one was shown yet (`cargo course hint one` shows the first)");
    course.run(&["hint"]).says(
        0,
        &[
            "alpha, one: hint 1 of 3\n",
            "  Think of a number.\n",
            "Still stuck?  cargo course hint one",
        ],
    );
    course
        .run(&["hint", "one"])
        .says(0, &["hint 2 of 3\n", "  A small one.\n"]);
    course
        .run(&["hint", "two"])
        .says(0, &["alpha, two: hint 1 of 3\n", "  Twice.\n"]); // each step counts its own
    for _ in 0..2 {
        course.run(&["hint", "1"]).says(
            0,
            &[
                "hint 3 of 3\n\n      ## 1\n\n",
                "That was the last hint.\n",
                "\"Step 1: one\"  src/alpha.md:3",
                "cargo course solution one --give-up",
            ],
        );
    }
    course
        .run(&["hint", "one", "--again"])
        .says(0, &["hint 1 of 3", "hint 2 of 3", "hint 3 of 3"]);
    course
        .run(&["hint", "alpha", "--again"]) // a chapter means the step one is at
        .says(0, &["alpha, one: hint 1 of 3"]);
    assert!(
        course
            .read("progress.toml")
            .contains("[alpha.one]\nhints = 3\n"),
        "{}",
        course.read("progress.toml")
    );
}

#[test]
fn hints_outlast_a_check() {
    let course = Course::new();
    course.run(&["hint", "one"]);
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]);
    course.run(&["hint", "one"]).says(0, &["hint 2 of 3"]);
}

#[test]
fn a_missing_hints_file_is_named_with_the_remedy() {
    let course = Course::new();
    fs::remove_file(course.path("exercises/alpha/hints.md")).unwrap();
    let ran = course.run(&["hint"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.starts_with(
            "error: cannot read exercises/alpha/hints.md (restore it with `git checkout"
        ),
        "{ran:?}"
    );
    assert!(
        !course.path("progress.toml").exists(),
        "a hint not shown is not counted"
    );
}

// reset

#[test]
fn reset_puts_the_starter_back_and_keeps_what_was_there() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    let ran = course.run(&["reset", "one"]);
    ran.says(
        0,
        &[
            "yours is kept  exercises/alpha/.backup/one.",
            ".rs\n",
            "as shipped     exercises/alpha/src/one.rs\n",
        ],
    );
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE);
    let backup = ran
        .out
        .split_whitespace()
        .find(|word| word.contains(".backup/"))
        .unwrap();
    assert_eq!(course.read(backup), ONE_SOLVED);
    course.run(&["reset", "one"]).says(
        0,
        &["exercises/alpha/src/one.rs is as the course ships it; nothing to do."],
    );
    assert_eq!(
        fs::read_dir(course.path("exercises/alpha/.backup"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn reset_of_a_chapter_is_refused_and_names_its_steps() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course
        .run(&["reset", "alpha"])
        .fails("`alpha` is a chapter, and reset takes one step (there are: one, two)");
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE_SOLVED);
}

#[test]
fn reset_needs_no_git_and_touches_no_other_step() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.answer("two", TWO_SOLVED);
    let ran = course.command(&["reset", "two"]).env("PATH", "").output();
    Ran::of(ran.unwrap()).says(0, &["as shipped"]);
    assert_eq!(course.read("exercises/alpha/src/two.rs"), TWO);
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE_SOLVED);
}

#[test]
fn reset_brings_a_deleted_file_back() {
    let course = Course::new();
    fs::remove_file(course.path("exercises/alpha/src/one.rs")).unwrap();
    course.run(&["reset", "one"]).says(0, &["as shipped"]);
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE);
    assert!(!course.path("exercises/alpha/.backup").exists());
}

#[test]
fn reset_without_the_starter_changes_nothing() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    fs::remove_file(course.path("tests/starters/alpha/one.rs")).unwrap();
    let ran = course.run(&["reset", "one"]);
    let error = "error: cannot read tests/starters/alpha/one.rs (restore it with `git checkout";
    assert!(ran.code == Some(1) && ran.err.starts_with(error), "{ran:?}");
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE_SOLVED);
}

#[test]
fn a_backup_that_cannot_be_written_stops_the_reset() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.write(
        "exercises/alpha/.backup",
        "a file where the folder should be",
    );
    let ran = course.run(&["reset", "one"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .contains("cannot keep your version in exercises/alpha/.backup (nothing was changed)"),
        "{ran:?}"
    );
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE_SOLVED);
}

#[test]
fn a_full_disk_costs_nothing() {
    let course = Course::new();
    course.run(&["hint", "one"]);
    let progress = course.read("progress.toml");
    course.answer("one", ONE_SOLVED);
    let ran = without_space(&course, &["hint", "one"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    let error = format!(
        "error: {}: cannot write: ",
        course.path("progress.toml").display()
    );
    assert!(
        ran.err.starts_with(&error) && ran.err.lines().count() == 1,
        "{ran:?}"
    );
    let ran = without_space(&course, &["reset", "one"]);
    assert!(
        ran.err
            .contains("exercises/alpha/.backup (nothing was changed): "),
        "{ran:?}"
    );
    assert_eq!(course.read("progress.toml"), progress);
    assert_eq!(course.read("exercises/alpha/src/one.rs"), ONE_SOLVED);
    let left = |folder: &str| {
        fs::read_dir(course.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        left("exercises/alpha/.backup").len(),
        0,
        "half a backup was left"
    );
    assert_eq!(left("exercises/alpha/src").len(), 3);
    assert!(
        !left("")
            .iter()
            .any(|name| name.to_string_lossy().starts_with("progress.toml.")),
        "{:?}",
        left("")
    );
    course.run(&["hint", "one"]).says(0, &["hint 2 of 3"]); // the hint that failed was not counted
}

// solution

#[test]
fn the_answer_is_refused_until_the_step_is_solved() {
    let course = Course::new();
    let ran = course.run(&["solution"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.err
            .starts_with("error: one is not solved yet: it was not checked yet (check it: "),
        "{ran:?}"
    );
    assert!(
        ran.err.contains("cargo course solution one --give-up"),
        "{ran:?}"
    );
    course.answer("one", &ONE_SOLVED.replace("    1\n", "    2\n"));
    course.run(&["check"]);
    let ran = course.run(&["solution", "one"]);
    assert!(
        ran.err
            .starts_with("error: one is not solved yet: 1 of 2 tests passed "),
        "{ran:?}"
    );
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]);
    course
        .run(&["solution", "one"])
        .says(0, &["solutions/alpha/src/one.rs\n\n", ONE_SOLVED]);
    course
        .run(&["solution", "one", "--diff"])
        .says(0, &["is the reference answer, to the letter"]);
}

#[test]
fn giving_up_shows_the_answer_and_is_noted() {
    let course = Course::new();
    course
        .run(&["solution", "one", "--give-up", "--diff"])
        .says(
            0,
            &[
                "Given up",
                "--- exercises/alpha/src/one.rs\n+++ solutions/alpha/src/one.rs\n@@ ",
                "-    todo!(\"answer one\")\n+    1\n",
            ],
        );
    let progress = course.read("progress.toml");
    assert!(
        progress.contains("[alpha.one]\ngave_up = \"20"),
        "{progress}"
    );
    course.run(&["solution", "one"]).says(0, &[ONE_SOLVED]);
    assert_eq!(
        course.read("progress.toml"),
        progress,
        "the first time counts"
    );
    // Given up is not solved, and may still be.
    course.answer("one", ONE_SOLVED);
    course.run(&["check"]).says(1, &["✓ one  solved"]);
    assert!(
        course
            .read("progress.toml")
            .contains("[alpha.one]\nsolved = ")
    );
}

// bench, doctor

#[test]
fn there_is_nothing_to_measure_before_a_chapter_is_solved() {
    let ran = Course::new().run(&["bench"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .starts_with("error: one is not solved yet, so there is nothing to measure"),
        "{ran:?}"
    );
}

#[test]
fn the_doctor_never_fails() {
    let course = Course::new();
    course.run(&["doctor"]).says(
        0,
        &[
            "This machine\n",
            "cores",
            "kernel",
            "Rust",
            "sandbox       ",
        ],
    );
    // A machine with nothing: each missing thing says what it adds and how to get it.
    let ran = Ran::of(
        course
            .command(&["doctor"])
            .env("PATH", "")
            .env_remove("RUSTC")
            .env_remove("CHROMIUM")
            .output()
            .unwrap(),
    );
    ran.says(
        0,
        &[
            "✗ C linker      not found",
            "adds: everything: Rust links each program with it",
            "get:  apt install gcc libc6-dev",
            "✗ git           not found",
            "adds: ",
            "get:  ",
            "✗ Chromium      not found",
            "✗ Node.js       not found",
        ],
    );
}

#[test]
fn a_step_without_tests_to_pass_is_an_error_not_solved() {
    let course = Course::new();
    let manifest = course.read("exercises/alpha/Cargo.toml");
    course.write(
        "exercises/alpha/Cargo.toml",
        &manifest.replace("[\"one\", \"two\"]", "[]"),
    );
    for command in ["check", "hint", "reset", "watch"] {
        let ran = course.run(&[command]);
        assert!(
            ran.code == Some(1) && ran.err.contains("exercises/alpha/Cargo.toml: no steps"),
            "{command}: {ran:?}"
        );
    }
}

#[test]
fn a_typo_is_met_with_what_was_meant() {
    let course = Course::new();
    for (args, code, offer) in [
        (&["chekc"][..], 2, "'check'"),
        (&["check", "alpah"], 1, "did you mean `alpha`? "),
        (&["hint", "onee"], 1, "did you mean `one`? "),
        (&["bench", "alpa"], 1, "did you mean `alpha`? "),
        (&["check", "one::it_is_one"], 1, "`cargo course check one`"),
        (&["lab", "M11"], 2, "M1"),
    ] {
        let ran = course.run(args);
        assert!(
            ran.code == Some(code) && ran.err.contains(offer),
            "{args:?}: {ran:?}"
        );
    }
}

#[test]
fn links_are_addresses_while_the_book_is_served() {
    let course = Course::new();
    let served = files::scratch::Scratch::create(&course.path("target"), "served-book-").unwrap();
    fs::write(served.path().join("address"), "127.0.0.1:4242").unwrap();
    course.run(&["check"]).says(
        1,
        &["read    \"Step 1: one\"  http://127.0.0.1:4242/alpha.html#step-1-one\n"],
    );
    drop(served);
    course
        .run(&["check"])
        .says(1, &["read    \"Step 1: one\"  src/alpha.md:3\n"]);
}

#[test]
fn waiting_for_another_command_is_said() {
    let course = Course::new();
    fs::create_dir(course.path("target")).unwrap();
    let lock = fs::File::create(course.path("target/progress.lock")).unwrap();
    lock.lock().unwrap();
    let mut hint = course.command(&["hint"]);
    let mut hint = hint
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(hint.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert_eq!(
        said,
        "waiting for another `cargo course`, which is changing progress.toml\n"
    );
    drop(lock);
    assert!(hint.wait().unwrap().success());
}

#[test]
fn a_fifo_where_a_file_should_be_holds_up_nobody() {
    for path in ["progress.toml", "exercises/alpha/src/one.rs"] {
        let course = Course::new();
        let _ = fs::remove_file(course.path(path));
        let made = Command::new("mkfifo").arg(course.path(path)).status();
        assert!(made.unwrap().success());
        let ran = course.run(&["hint", "one"]);
        let expected = if path == "progress.toml" { 1 } else { 0 };
        assert_eq!(ran.code, Some(expected), "{ran:?}");
        let ran = course.run(&["reset", "one"]);
        assert!(
            ran.code == Some(1) && ran.err.contains("not a regular file"),
            "{ran:?}"
        );
    }
}

#[test]
fn what_a_killed_command_left_is_swept() {
    let course = Course::new();
    let left = [
        ".progress.toml.1-2-3.tmp~",
        "exercises/alpha/src/.one.rs.1-2-3.tmp~",
    ];
    for path in left {
        course.write(path, "half");
    }
    course.run(&["hint"]).says(0, &[]);
    for path in left {
        assert!(!course.path(path).exists(), "{path}");
    }
}

#[test]
fn a_solved_step_is_not_given_up() {
    let course = Course::new();
    course.answer("one", ONE_SOLVED);
    course.run(&["check", "one"]).says(0, &[]);
    for _ in 0..2 {
        course.run(&["hint", "one"]).says(0, &[]);
    }
    course
        .run(&["hint", "one"])
        .says(0, &["the answer  cargo course solution one\n"]);
}

// new

#[test]
fn a_new_chapter_fills_every_place_and_overwrites_none() {
    let course = Course::new();
    course
        .run(&["new", "chapter", "ipc", "--title", "IPC"])
        .says(
            0,
            &["wrote  src/ipc.md\n", "wrote  src/SUMMARY.md\n", "Next: "],
        );
    for path in [
        "src/ipc/exercise.md",
        "exercises/ipc/src/first.rs",
        "tests/starters/ipc/first.rs",
        "solutions/ipc/Cargo.toml",
        "tests/ipc/lib.rs",
        "tests/benches/ipc.rs",
    ] {
        let text = course.read(path);
        assert!(!text.contains("@"), "{path} has an open name: {text}");
    }
    assert!(course.read("src/SUMMARY.md").contains("- [IPC](ipc.md)\n"));
    let before = course.read("src/SUMMARY.md");
    for (slug, says) in [
        ("ipc", "already"),
        ("alpha", "already"),
        ("Use-cases", "cannot be a slug"),
    ] {
        let ran = course.run(&["new", "chapter", slug, "--title", "X"]);
        assert!(ran.code == Some(1) && ran.err.contains(says), "{ran:?}");
    }
    assert_eq!(course.read("src/SUMMARY.md"), before);
}

// helpers

/// Runs a command that cannot write a byte to any file, as on a full disk.
fn without_space(course: &Course, args: &[&str]) -> Ran {
    let command = course.command(args);
    let mut shell = Command::new("sh");
    // Ignored, the signal of the file size limit becomes an error of the write.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    Ran::of(
        shell
            .current_dir(course.root())
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    )
}

/// An answer to step one that writes its process id to `pids` and never returns.
fn hanging(pids: &Path) -> String {
    let pids = pids.to_str().expect("UTF-8");
    ONE_SOLVED.replace(
        "    1\n",
        &format!(
            "    use std::io::Write;\n    \
             let mut file = std::fs::OpenOptions::new().create(true).append(true).open({pids:?}).unwrap();\n    \
             writeln!(file, \"{{}}\", std::process::id()).unwrap();\n    loop {{\n        std::thread::park();\n    }}\n"
        ),
    )
}

fn watch(course: &Course, args: &[&str]) -> (Running, Receiver<String>) {
    let mut running = Running::start(course.command(&[&["watch"], args].concat()));
    let stdout = BufReader::new(running.0.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        stdout
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| send.send(line))
    });
    (running, lines)
}

/// A command that is running; a test that fails does not leave it behind.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    /// Ctrl-C, and what came of it.
    fn interrupt(mut self) -> Ran {
        let pid = self.0.id().to_string();
        let status = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(status.success());
        let code = until(|| self.0.try_wait().unwrap()).code();
        let (mut out, mut err) = (String::new(), String::new());
        if let Some(mut stdout) = self.0.stdout.take() {
            stdout.read_to_string(&mut out).unwrap();
        }
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        Ran { code, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads on until a line holds `wanted`, and answers those before it.
#[track_caller]
fn wait_for(lines: &Receiver<String>, wanted: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(wanted) => return seen,
            Ok(line) => seen.push(line),
            Err(_) => panic!("no {wanted:?} in:\n{}", seen.join("\n")),
        }
    }
}

/// Waits until at least `n` processes have written their id.
#[track_caller]
fn wait_for_pids(file: &Path, n: usize) -> Vec<String> {
    until(|| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let pids: Vec<_> = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| line.trim().to_owned())
            .collect();
        (pids.len() >= n).then_some(pids)
    })
}

#[track_caller]
fn assert_gone(pids: &[String]) {
    until(|| pids.iter().all(|pid| !alive(pid)).then_some(()));
}

/// Whether a process is there, and more than a zombie that somebody has yet to collect.
fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[track_caller]
fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen");
        thread::sleep(Duration::from_millis(5));
    }
}
