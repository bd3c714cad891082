//! `hint`, `reset` and `solution`.

use super::*;

#[test]
fn each_hint_is_one_more_and_the_last_says_where_to_go() {
    let course = Course::new();
    course
        .run(&["hint", "one", "--again"])
        .fails("no hint for one has been shown yet (`cargo course hint one` shows the first)");
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
fn the_chapter_edited_last_is_the_one_at_hand() {
    let course = Course::new();
    course.add_chapter("beta");
    course.run(&["hint"]).says(0, &["alpha, one: hint 1 of 3"]);
    let wrong = TWO_SOLVED.replace("2 * n", "n");
    course.write("exercises/beta/src/two.rs", &wrong);
    course.run(&["hint"]).says(0, &["beta, two: hint 1 of 3"]);
    course
        .run(&["check"])
        .says(1, &["Beta: the next letter\n", "✗ two  0 of 1 test passed"]);
    course
        .run(&["reset"])
        .says(0, &["as shipped     exercises/beta/src/two.rs\n"]);
    assert_eq!(course.read("exercises/beta/src/two.rs"), TWO);
    course.run(&["hint"]).says(0, &["alpha, one: hint 2 of 3"]);
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
